package verdict

import "github.com/nodedns/nodedns/zone/changelog"

// The codes of a [Reason]. They are promises, as the keys of the status are; the
// table of [Reasons] describes each.
const (
	Starting            = "starting"
	NoListener          = "no-listener"
	ListenerFailed      = "listener-failed"
	NoAddress           = "no-address"
	IdentityConflict    = "identity-conflict"
	BadCredentials      = "bad-credentials"
	Refused             = "refused"
	Unauthorized        = "unauthorized"
	Removed             = "removed"
	AwaitingCredentials = "awaiting-credentials"
	CuratorLost         = "curator-lost"
	ZoneNotReady        = "zone-not-ready"
	ZoneFull            = "zone-full"
	NodeFileUnusable    = "node-file-unusable"
	FileNotWritten      = "file-not-written"
	HostsUnusable       = "hosts-unusable"
	ResolvConf          = "resolv-conf"
	TaskFailed          = "task-failed"
	UpstreamDown        = "upstream-down"
	UpstreamLooping     = "upstream-looping"
	OtherSource         = "other-source"
	ReloadRefused       = "reload-refused"
	SelfResolution      = "self-resolution"
)

// Description is one row of the table of reasons.
type Description struct {
	Code string
	// Meaning as a sentence.
	Meaning string
	// When it counts.
	When string
	// Fix is what to do, as a [Reason] has it.
	Fix string
}

const (
	atOnce      = "at once"
	afterMinute = "after 60 s, as EDE 3"
)

// reasons is the table. The order is that of a verdict: a cause comes before
// what follows from it.
var reasons = [...]Description{
	{
		Starting, "The daemon is starting: not all listeners are bound, or the files were not tried yet.", atOnce,
		"wait; if it lasts, the log has what it waits for",
	},
	{
		NoListener, "No query is answered over DNS: the machine has none of the addresses to listen on, or all of them failed.", atOnce,
		"check the addresses of dns.listen",
	},
	{
		ListenerFailed, "The address is there and cannot be used. It is tried again every ten seconds.", atOnce,
		"stop the program that has the port, or choose another address in dns.listen",
	},
	{
		NoAddress, "This machine's own name has no address: NODATA, with EDE 14.", atOnce,
		"check the address of the default route's interface, or name interfaces in local.interfaces or addresses in local.addresses",
	},
	{
		IdentityConflict, "Another machine has this node's key.", atOnce,
		changelog.DuplicateKeyRemedy,
	},
	{
		BadCredentials, "The credentials are there and cannot be used: unreadable, half-written, of another node or of two clusters.", atOnce,
		"replace the file that the text names, or enrol this node again; credentials are read again when they change",
	},
	{
		Removed, "The cluster deleted this node, lacks it in a complete backlog, or answers NotFound to its report. Names stay.", atOnce,
		"enrol this node again; or, if it has left for good, remove its credentials and empty curator.endpoints",
	},
	{
		Refused, "A curator was reached, and it refuses this node or its certificate is of another cluster's CA.", atOnce,
		"check whether this node is a member of the cluster of curator.endpoints; if not, enrol it there, or have curator.endpoints name its own cluster",
	},
	{
		Unauthorized, "A node of the cluster answers as a curator, and is none that may speak for it. What it reports is not used.", atOnce,
		"if it is a curator, name it in curator.endpoints as HOST:PORT#NODE-ID, or run nodedns curator trust NODE-ID; if not, correct the endpoint that leads to it",
	},
	{
		AwaitingCredentials, "The node is configured for a cluster and not enrolled: the credentials are missing, or some of them.", atOnce,
		"enrol this node; credentials are used as soon as they are there",
	},
	{
		CuratorLost, "No curator is connected, though one is configured. Answers on other nodes come from what was known.", afterMinute,
		"check whether a curator runs and is reachable from here; the row curator of nodedns status has why each attempt failed",
	},
	{
		ZoneNotReady, "The first backlog has not been received, and no saved nodes were loaded: unknown names are SERVFAIL, with EDE 14.", atOnce,
		"wait for the backlog; if it does not come, check the curator; if its entries are refused, fix what the text names, such as identity.prefix",
	},
	{
		ZoneFull, "The cluster has more nodes than a zone holds. Some are missing, and unknown names are SERVFAIL.", atOnce,
		"check whether the cluster's nodes are real",
	},
	{
		NodeFileUnusable, "A file of nodes cannot be read or is not in its format. What it had before stands: at the start nothing, but for what was saved.", atOnce,
		"correct the file at the line that the text names; it is read again when it changes",
	},
	{
		FileNotWritten, "A file is not what it should be. It is tried again.", atOnce,
		"do what the text advises, mostly about a missing right or a full or read-only file system; or turn the file off in [files]",
	},
	{
		HostsUnusable, "The user's lines of the hosts file cannot be read, and those known before stand.", atOnce,
		"check the file that the text names",
	},
	{
		ResolvConf, "resolv.conf does not point at us, though it should.", atOnce,
		"do what the text advises; another program that writes the file has to be kept from it, see docs/resolv-conf.md",
	},
	{
		TaskFailed, "A part of the service has failed, and is run again after a pause.", atOnce,
		"do what the text advises; the log has what came before",
	},
	{
		UpstreamDown, "A server for other names does not answer. Others are asked instead, if there are any.", atOnce,
		"check the server and the route to it, or name another one in upstream.servers",
	},
	{
		UpstreamLooping, "A server for other names asks us what we ask it, and is left out.", atOnce,
		"remove one of the two from the other's upstreams",
	},
	{
		OtherSource, "No server that the machine is configured with answers, and one of another source does, such as what resolv.conf was before a VPN. It is not asked by itself: names of one network are not for another.", atOnce,
		"if the present servers are gone for good, end the program that named them, or write those that answer to /etc/resolv.conf or into upstream.servers",
	},
	{
		ReloadRefused, "The last reload was refused: the running configuration stays, and a restart would fail.", atOnce,
		"correct the configuration, try it with nodedns check, and reload",
	},
	{
		SelfResolution, "This machine's own name was not found over DNS or in the hosts file when it was last looked up, or with another address.", atOnce,
		"check the listener or the file that the text names, and what else writes that file",
	},
}

// fixes are those of the table by their codes.
var fixes = func() map[string]string {
	fixes := make(map[string]string, len(reasons))
	for _, r := range reasons {
		fixes[r.Code] = r.Fix
	}
	return fixes
}()

// Reasons returns the table of reasons, in the order that those of a verdict
// have. The manual's table is made of it.
func Reasons() []Description { return append([]Description{}, reasons[:]...) }
