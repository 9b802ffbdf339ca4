package nodedns

import (
	"github.com/nodedns/nodedns/zone/changelog"
)

// The codes of a [Reason]. They are promises, as the keys of the status are; the
// table of [Reasons] says what each means.
const (
	ReasonStarting            = "starting"
	ReasonNoListener          = "no-listener"
	ReasonListenerFailed      = "listener-failed"
	ReasonNoAddress           = "no-address"
	ReasonIdentityConflict    = "identity-conflict"
	ReasonBadCredentials      = "bad-credentials"
	ReasonRefused             = "refused"
	ReasonUnauthorized        = "unauthorized"
	ReasonRemoved             = "removed"
	ReasonAwaitingCredentials = "awaiting-credentials"
	ReasonCuratorLost         = "curator-lost"
	ReasonZoneNotReady        = "zone-not-ready"
	ReasonZoneFull            = "zone-full"
	ReasonFileNotWritten      = "file-not-written"
	ReasonHostsUnusable       = "hosts-unusable"
	ReasonResolvConf          = "resolv-conf"
	ReasonTaskFailed          = "task-failed"
	ReasonUpstreamDown        = "upstream-down"
	ReasonUpstreamLooping     = "upstream-looping"
	ReasonReloadRefused       = "reload-refused"
	ReasonSelfResolution      = "self-resolution"
)

// ReasonDescription is one row of the table of reasons.
type ReasonDescription struct {
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
var reasons = [...]ReasonDescription{
	{
		ReasonStarting, "The daemon is starting: not all listeners are bound, or the files were not tried yet.", atOnce,
		"wait; if it lasts, the log says what it waits for",
	},
	{
		ReasonNoListener, "No query is answered over DNS: the machine has none of the addresses to listen on, or all of them failed.", atOnce,
		"see to the addresses of dns.listen",
	},
	{
		ReasonListenerFailed, "The address is there and cannot be used. It is tried again every ten seconds.", atOnce,
		"stop the program that has the port, or choose another address in dns.listen",
	},
	{
		ReasonNoAddress, "This machine's own name has no address: NODATA, with EDE 14.", atOnce,
		"see to the address of the default route's interface, or name interfaces in local.interfaces or addresses in local.addresses",
	},
	{
		ReasonIdentityConflict, "Another machine has this node's key.", atOnce,
		changelog.DuplicateKeyRemedy,
	},
	{
		ReasonBadCredentials, "The credentials are there and cannot be used: unreadable, half-written, of another node or of two clusters.", atOnce,
		"replace the file that the text names, or enrol this node again; credentials are read again when they change",
	},
	{
		ReasonRemoved, "The cluster deleted this node, lacks it in a complete backlog, or answers NotFound to its report. Names stay.", atOnce,
		"enrol this node again; or, if it has left for good, remove its credentials and empty curator.endpoints",
	},
	{
		ReasonRefused, "A curator was reached, and it refuses this node or its certificate is of another cluster's CA.", atOnce,
		"see whether this node is a member of the cluster of curator.endpoints; if not, enrol it there, or have curator.endpoints name its own cluster",
	},
	{
		ReasonUnauthorized, "A node of the cluster answers as a curator, and is none that may speak for it. What it says is not used.", atOnce,
		"if it is a curator, name it in curator.endpoints as HOST:PORT#NODE-ID, or run nodedns curator trust NODE-ID; if not, correct the endpoint that leads to it",
	},
	{
		ReasonAwaitingCredentials, "The node is configured for a cluster and not enrolled: the credentials are missing, or some of them.", atOnce,
		"enrol this node; credentials are used as soon as they are there",
	},
	{
		ReasonCuratorLost, "No curator is connected, though one is configured. Answers on other nodes come from what was known.", afterMinute,
		"see whether a curator runs and is reachable from here; the row curator of nodedns status says why each attempt failed",
	},
	{
		ReasonZoneNotReady, "The first backlog has not been received, and no saved nodes were loaded: unknown names are SERVFAIL, with EDE 14.", atOnce,
		"wait for the backlog; if it does not come, see to the curator; if its entries are refused, to what the text says of them, as identity.prefix",
	},
	{
		ReasonZoneFull, "The cluster has more nodes than a zone holds. Some are missing, and unknown names are SERVFAIL.", atOnce,
		"see whether the cluster's nodes are real",
	},
	{
		ReasonFileNotWritten, "A file is not what it should be. It is tried again.", atOnce,
		"do what the text says, mostly about a missing right or a full or read-only file system; or turn the file off in [files]",
	},
	{
		ReasonHostsUnusable, "The user's lines of the hosts file cannot be read, and those known before stand.", atOnce,
		"see to the file that the text names",
	},
	{
		ReasonResolvConf, "resolv.conf does not point at us, though it should.", atOnce,
		"do what the text says; another program that writes the file has to be kept from it, see docs/resolv-conf.md",
	},
	{
		ReasonTaskFailed, "A part of the service has failed, and is run again after a pause.", atOnce,
		"do what the text says; the log has what came before",
	},
	{
		ReasonUpstreamDown, "A server for other names does not answer. Others are asked instead, if there are any.", atOnce,
		"see to the server and the way to it, or name another one in upstream.servers",
	},
	{
		ReasonUpstreamLooping, "A server for other names asks us what we ask it, and is left out.", atOnce,
		"remove one of the two from the other's upstreams",
	},
	{
		ReasonReloadRefused, "The last reload was refused: the running configuration stays, and a restart would fail.", atOnce,
		"correct the configuration, try it with nodedns check, and reload",
	},
	{
		ReasonSelfResolution, "This machine's own name was not found over DNS or in the hosts file when it was last looked up, or with another address.", atOnce,
		"see to the listener or the file that the text names, and to what else writes that file",
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
func Reasons() []ReasonDescription { return append([]ReasonDescription{}, reasons[:]...) }
