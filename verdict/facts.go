package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/selfcheck"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/watchers/nodefile"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/changelog"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// The states of a service.
const (
	StateStarting = "starting" // not all listeners and files are there yet
	StateWaiting  = "waiting"  // answering, and the cluster's nodes are not known yet
	StateReady    = "ready"    // all that is configured works
	StateDegraded = "degraded" // answering, and something else is wrong
)

// Facts are all that a verdict is made of, as they are at one moment. A text is
// why something does not work, and empty where it does.
type Facts struct {
	Started    bool // the listeners were bound, and the files tried
	Answering  bool // on at least one listener
	HasAddress bool // that this machine's name resolves to
	Listeners  []listen.Status
	Conflict   string // another machine has this node's key

	Expected   bool // there is a cluster to follow
	ZoneReady  bool // names that are not in the zone are known not to exist
	Overflowed bool // the zone has no room for all nodes
	Nodes      zone.Counts
	Refused    []zone.Refusal // the first of Nodes.Quarantined
	Curator    curator.Status
	// Lost is whether the cluster has been out of reach for long enough to
	// count, and LostAt since when.
	Lost   bool
	LostAt time.Time

	NodeFiles  []nodefile.Status
	Files      []hostsfile.FileStatus
	HostsLines string // the user's lines of the hosts file
	ResolvConf string
	// Source is where the machine's servers are from, and Alternatives are other
	// sources whose servers answer while those do not.
	Source       string
	Alternatives []resolvconf.Alternative
	Upstreams    []upstream.Status
	Tasks        []string
	Reload       string  // the last attempt to reload the configuration
	Self         []error // failures of the self-check
}

// Assess returns the verdict on the facts, and the state of the service that
// follows from it.
func (f *Facts) Assess() (v Verdict, state string) {
	v = f.verdict()
	return v, f.stateOf(v)
}

func (f *Facts) verdict() Verdict {
	v := Verdict{Reasons: []Reason{}}
	if !f.Started {
		v.Add(Starting, "not all listeners answer, or not all files were written yet")
	}
	f.addNetwork(&v)
	f.addCluster(&v)
	f.addOverflow(&v)
	for _, file := range f.NodeFiles {
		if file.Error != "" {
			v.Add(NodeFileUnusable, fmt.Sprintf("the file of nodes %s cannot be used, and what it had before stands: %s", file.Path, file.Error))
		}
	}
	f.addFiles(&v)
	for _, text := range f.Tasks {
		v.Add(TaskFailed, text)
	}
	for i := range f.Upstreams {
		addUpstream(&v, &f.Upstreams[i])
	}
	for _, a := range f.Alternatives {
		v.Add(OtherSource, fmt.Sprintf("no server of %s answers, and %v of %s does", f.Source, a.Servers[0], a.Source))
	}
	if f.Reload != "" {
		v.Add(ReloadRefused, "the configuration was not reloaded, the running one stays: "+f.Reload)
	}
	for _, err := range f.Self {
		v.Add(SelfResolution, fmt.Sprintf("self-resolution: %v", err))
	}
	v.Healthy = len(v.Reasons) == 0
	return v
}

// stateOf is that of a service with a verdict: it waits if nothing is broken and
// the zone only lacks what an enrolment or a backlog will bring.
func (f *Facts) stateOf(v Verdict) string {
	waits := func(r Reason) bool {
		return r.Code == AwaitingCredentials || r.Code == ZoneNotReady
	}
	switch {
	case !f.Started:
		return StateStarting
	case v.Healthy:
		return StateReady
	case !f.ZoneReady && !slices.ContainsFunc(v.Reasons, func(r Reason) bool { return !waits(r) }):
		return StateWaiting
	}
	return StateDegraded
}

// addNetwork is about the listeners and this node's name.
func (f *Facts) addNetwork(v *Verdict) {
	if f.Started && !f.Answering && len(f.Listeners) > 0 {
		v.Add(NoListener, selfcheck.ErrNoListener.Error())
	}
	for _, l := range f.Listeners {
		if l.State == listen.Failed { // one that waits is no fault
			v.Add(ListenerFailed, l.Error)
		}
	}
	if f.Started && !f.HasAddress {
		v.Add(NoAddress, "this machine has no address that its name could resolve to")
	}
	v.Add(IdentityConflict, strings.TrimSuffix(f.Conflict, "; "+changelog.DuplicateKeyRemedy))
}

// addCluster adds one reason at most: the others would be its consequences.
func (f *Facts) addCluster(v *Verdict) {
	because := func(text string) string {
		detail := cmp.Or(f.Curator.Removed, f.Curator.RejectedDetail, f.Curator.Detail)
		if detail == "" {
			return text
		}
		return text + ": " + detail
	}
	switch c := &f.Curator; {
	case c.State == curator.StateBadCredentials:
		v.Add(BadCredentials, because("the credentials for the cluster cannot be used"))
	case c.State == curator.StateRemoved || c.Removed != "":
		v.Add(Removed, because("this node was removed from the cluster"))
	case c.State == curator.StateRefused || c.Rejected == curator.StateRefused:
		v.Add(Refused, because("a curator refuses this node, or is of another cluster"))
	case c.State == curator.StateUnauthorized || c.Rejected == curator.StateUnauthorized:
		v.Add(Unauthorized, because("only curators answer that may not speak for the cluster"))
	case c.State == curator.StateAwaitingCredentials:
		v.Add(AwaitingCredentials, because("this node is not enrolled"))
	case f.Lost:
		v.Add(CuratorLost, "no curator has been reached since "+f.LostAt.UTC().Format(time.RFC3339))
	case f.Started && f.Expected && !f.ZoneReady && !f.Overflowed:
		v.Add(ZoneNotReady, "the cluster's nodes are not known yet, and none were saved: names that are not in the zone are SERVFAIL"+f.refusedText())
	}
}

// refusedText describes that entries of the cluster are refused, which may be all
// that it has, or is empty.
func (f *Facts) refusedText() string {
	if len(f.Refused) == 0 {
		return ""
	}
	first := f.Refused[0]
	return fmt.Sprintf("; %d entries of the cluster are refused, first %q: %s", f.Nodes.Quarantined, first.ID, first.Reason)
}

// addOverflow states that nodes are missing for lack of room.
func (f *Facts) addOverflow(v *Verdict) {
	if f.Overflowed {
		v.Add(ZoneFull, fmt.Sprintf("the zone is full with %d nodes, and the cluster has more: those are missing, and names that are not in the zone get SERVFAIL",
			f.Nodes.Live+f.Nodes.Departed))
	}
}

// addFiles is about the files of this machine.
func (f *Facts) addFiles(v *Verdict) {
	for _, file := range f.Files {
		v.Add(FileNotWritten, file.Error)
	}
	v.Add(FileNotWritten, f.Curator.FileError)
	v.Add(HostsUnusable, f.HostsLines)
	v.Add(ResolvConf, f.ResolvConf)
}

// addUpstream is about a server for other names. One that is slow, or rejects a
// query now and then, is no reason.
func addUpstream(v *Verdict, u *upstream.Status) {
	switch u.State {
	case upstream.Down:
		v.Add(UpstreamDown, fmt.Sprintf("upstream %s does not answer: %s", u.Server, u.Reason))
	case upstream.Looping:
		v.Add(UpstreamLooping, fmt.Sprintf("upstream %s asks us what we ask it", u.Server))
	}
}
