package nodedns

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/selfcheck"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/resolver/varlink"
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/changelog"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// The states of a Service.
const (
	StateStarting = "starting" // not all listeners and files are there yet
	StateWaiting  = "waiting"  // answering, and the cluster's nodes are not known yet
	StateReady    = "ready"    // all that is configured works
	StateDegraded = "degraded" // answering, and something else is wrong
)

// Status is the state of a Service at one moment, in a form fit for JSON.
type Status struct {
	NodeID string `json:"node_id"`
	// State is one of StateStarting, StateWaiting, StateReady and StateDegraded,
	// by the Verdict.
	State string `json:"state"`
	// Verdict states whether all that is configured works, and if not, why.
	Verdict verdict.Verdict `json:"verdict"`
	// Ready is whether names that are not in the zone are known not to exist.
	Ready     bool         `json:"ready"`
	Addresses []netip.Addr `json:"addresses"`
	Serial    uint64       `json:"serial"`
	Nodes     zone.Counts  `json:"nodes"`
	// Refused are entries of the cluster that are refused now, the first ones of
	// Nodes.Quarantined.
	Refused []zone.Refusal `json:"refused,omitempty"`
	// Conflict states that another machine has this node's key, and what to do
	// about it. It is absent without one.
	Conflict string `json:"conflict,omitempty"`
	// Contested are addresses that several nodes claim, the first ones.
	Contested []string       `json:"contested,omitempty"`
	Curator   curator.Status `json:"curator"`
	// Listeners are the addresses that are answered on now, and ListenerStatus
	// the state of each one of the configuration.
	Listeners      []netip.AddrPort `json:"listeners"`
	ListenerStatus []listen.Status  `json:"listener_status"`
	// Varlink is absent without such a socket.
	Varlink *VarlinkStatus         `json:"varlink"`
	Files   []hostsfile.FileStatus `json:"files"`
	// Upstreams are the servers that other names go to now, in their order and
	// as the configuration spells them.
	Upstreams []string `json:"upstreams"`
	// UpstreamStatus is the state of each of them, and of those of routes.
	UpstreamStatus []upstream.Status     `json:"upstream_status"`
	HostsLines     resolver.HostsSummary `json:"hosts_lines"`
	// ResolvConf is absent where resolv.conf is turned off.
	ResolvConf *resolvconf.Status `json:"resolv_conf"`
	// LastReload is the last attempt to load the configuration again, absent
	// before the first.
	LastReload *ReloadStatus `json:"last_reload,omitempty"`
	// Errors are the texts of the verdict's reasons.
	Errors []string `json:"errors"`

	Self  selfcheck.Status `json:"-"`
	Tasks []TaskStatus     `json:"-"`
	// Saved is when the saved nodes were written, by this run or an earlier one;
	// nil before.
	Saved *time.Time `json:"-"`
}

// TaskStatus is a part of the service that is run again when it fails.
type TaskStatus struct {
	Name     string
	Failures uint64 // so far
}

// VarlinkStatus is the state of the socket for glibc's nss-resolve.
type VarlinkStatus struct {
	Socket string `json:"socket"`
	varlink.Stats
	// Error is why it is not served now, or empty.
	Error string `json:"error"`
}

// Status returns the state of the service.
func (s *Service) Status() Status {
	snapshot := s.store.Snapshot()
	counts := snapshot.Counts()
	status := Status{
		NodeID:     string(s.id),
		Ready:      snapshot.Ready() && !snapshot.Overflowed(),
		Addresses:  slices.AppendSeq([]netip.Addr{}, snapshot.Local().Addrs()),
		Serial:     snapshot.Serial(),
		Nodes:      counts,
		Refused:    snapshot.Refused(),
		Conflict:   changelog.DuplicateKeyText(snapshot),
		Curator:    s.curatorStatus(snapshot.Cluster()),
		Listeners:  append([]netip.AddrPort{}, s.dns.Addrs()...),
		Files:      s.files.Status(),
		Upstreams:  []string{},
		Varlink:    s.varlinkStatus(),
		ResolvConf: s.resolvConfStatus(),
		LastReload: s.lastReload.Load(),
		Self:       s.self.Status(),

		ListenerStatus: s.dns.Listeners(),
		UpstreamStatus: s.dns.UpstreamStatus(),
		HostsLines:     s.dns.HostsSummary(),
	}
	if s.saved != nil {
		status.Saved = when(s.saved.Written())
	}
	for conflict := range snapshot.AddressConflicts() {
		if len(status.Contested) == changelog.MaxNames {
			break
		}
		status.Contested = append(status.Contested, conflict.String())
	}
	for _, server := range s.dns.Upstreams() {
		status.Upstreams = append(status.Upstreams, server.String())
	}
	f := facts{
		Status: &status, started: s.hasStarted(), expected: snapshot.Cluster().Expected,
		self: s.self.Failures(), full: overflowText(snapshot),
	}
	f.lostAt, f.lost = snapshot.ClusterLost(s.clock())
	for _, t := range s.tasks() {
		status.Tasks = append(status.Tasks, TaskStatus{t.Name, t.Failures()})
		if err := t.Err(); err != nil {
			f.tasks = append(f.tasks, fmt.Sprintf("%s: %v", t.Name, err))
		}
	}
	status.Verdict = f.judge()
	status.State = stateOf(status.Verdict, f.started, status.Ready)
	status.Errors = status.Verdict.Texts()
	return status
}

func (s *Service) curatorStatus(cluster zone.Cluster) curator.Status {
	status := s.cluster.Status()
	status.DataSince, status.Cluster = when(cluster.DataSince), cluster.ID
	return status
}

// overflowText describes that nodes are missing for lack of room, or is empty.
func overflowText(snapshot *zone.Snapshot) string {
	if !snapshot.Overflowed() {
		return ""
	}
	counts := snapshot.Counts()
	return fmt.Sprintf("the zone is full with %d nodes, and the cluster has more: those are missing, and names that are not in the zone get SERVFAIL",
		counts.Live+counts.Departed)
}

// hasStarted reports whether Ready is closed.
func (s *Service) hasStarted() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

// when is t for JSON: absent where it is zero.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// varlinkStatus is nil where there is no socket.
func (s *Service) varlinkStatus() *VarlinkStatus {
	if s.varlink == nil {
		return nil
	}
	status := &VarlinkStatus{Socket: s.varlink.Path, Stats: s.varlink.Stats()}
	if err := s.varlink.Err(); err != nil {
		status.Error = err.Error()
	}
	return status
}

// resolvConfStatus is nil without a resolv.conf.
func (s *Service) resolvConfStatus() *resolvconf.Status {
	if s.resolv == nil {
		return nil
	}
	status := s.resolv.Status()
	status.Source = s.dns.SystemConfig().From
	return &status
}

// facts are all that a verdict is made of.
type facts struct {
	*Status
	started  bool // the listeners were bound, and the files tried
	expected bool // there is a cluster to follow
	// lost is whether the cluster has been out of reach for long enough to
	// count, and lostAt since when.
	lost   bool
	lostAt time.Time
	full   string   // that the zone has no room for all nodes
	tasks  []string // failures of tasks
	self   []error  // failures of the self-check
}

// judge is the verdict on the facts of one moment.
func (f *facts) judge() verdict.Verdict {
	v := verdict.Verdict{Reasons: []verdict.Reason{}}
	if !f.started {
		v.Add(verdict.Starting, "not all listeners answer, or not all files were written yet")
	}
	f.judgeNetwork(&v)
	f.judgeCluster(&v)
	v.Add(verdict.ZoneFull, f.full)
	f.judgeMachine(&v)
	for _, text := range f.tasks {
		v.Add(verdict.TaskFailed, text)
	}
	for i := range f.UpstreamStatus {
		judgeUpstream(&v, &f.UpstreamStatus[i])
	}
	if r := f.LastReload; r != nil && r.Error != "" {
		v.Add(verdict.ReloadRefused, "the configuration was not reloaded, the running one stays: "+r.Error)
	}
	for _, err := range f.self {
		v.Add(verdict.SelfResolution, fmt.Sprintf("self-resolution: %v", err))
	}
	v.Healthy = len(v.Reasons) == 0
	return v
}

// stateOf is that of a Service with a verdict: it waits if nothing
// is broken and the zone only lacks what an enrolment or a backlog will bring.
func stateOf(v verdict.Verdict, started, zoneReady bool) string {
	waits := func(r verdict.Reason) bool {
		return r.Code == verdict.AwaitingCredentials || r.Code == verdict.ZoneNotReady
	}
	switch {
	case !started:
		return StateStarting
	case v.Healthy:
		return StateReady
	case !zoneReady && !slices.ContainsFunc(v.Reasons, func(r verdict.Reason) bool { return !waits(r) }):
		return StateWaiting
	}
	return StateDegraded
}

// judgeNetwork is about the listeners and this node's name.
func (f *facts) judgeNetwork(v *verdict.Verdict) {
	if f.started && len(f.Listeners) == 0 && len(f.ListenerStatus) > 0 {
		v.Add(verdict.NoListener, selfcheck.ErrNoListener.Error())
	}
	for _, l := range f.ListenerStatus {
		if l.State == listen.Failed { // one that waits is no fault
			v.Add(verdict.ListenerFailed, l.Error)
		}
	}
	if f.started && len(f.Addresses) == 0 {
		v.Add(verdict.NoAddress, "this machine has no address that its name could resolve to")
	}
	v.Add(verdict.IdentityConflict, strings.TrimSuffix(f.Conflict, "; "+changelog.DuplicateKeyRemedy))
}

// judgeCluster has one reason at most: the others would be its consequences.
func (f *facts) judgeCluster(v *verdict.Verdict) {
	because := func(text string) string {
		detail := cmp.Or(f.Curator.Removed, f.Curator.RejectedDetail, f.Curator.Detail)
		if detail == "" {
			return text
		}
		return text + ": " + detail
	}
	switch c := &f.Curator; {
	case c.State == curator.StateBadCredentials:
		v.Add(verdict.BadCredentials, because("the credentials for the cluster cannot be used"))
	case c.State == curator.StateRemoved || c.Removed != "":
		v.Add(verdict.Removed, because("this node was removed from the cluster"))
	case c.State == curator.StateRefused || c.Rejected == curator.StateRefused:
		v.Add(verdict.Refused, because("a curator refuses this node, or is of another cluster"))
	case c.State == curator.StateUnauthorized || c.Rejected == curator.StateUnauthorized:
		v.Add(verdict.Unauthorized, because("only curators answer that may not speak for the cluster"))
	case c.State == curator.StateAwaitingCredentials:
		v.Add(verdict.AwaitingCredentials, because("this node is not enrolled"))
	case f.lost:
		v.Add(verdict.CuratorLost, "no curator has been reached since "+f.lostAt.UTC().Format(time.RFC3339))
	case f.started && f.expected && !f.Ready && f.full == "":
		v.Add(verdict.ZoneNotReady, "the cluster's nodes are not known yet, and none were saved: names that are not in the zone are SERVFAIL"+refusedText(f.Status))
	}
}

// refusedText describes that entries of the cluster are refused, which may be all
// that it has, or is empty.
func refusedText(s *Status) string {
	if len(s.Refused) == 0 {
		return ""
	}
	first := s.Refused[0]
	return fmt.Sprintf("; %d entries of the cluster are refused, first %q: %s", s.Nodes.Quarantined, first.ID, first.Reason)
}

// judgeMachine is about the files of this machine.
func (f *facts) judgeMachine(v *verdict.Verdict) {
	for _, file := range f.Files {
		v.Add(verdict.FileNotWritten, file.Error)
	}
	v.Add(verdict.FileNotWritten, f.Curator.FileError)
	v.Add(verdict.HostsUnusable, f.HostsLines.Unusable)
	if f.ResolvConf != nil {
		v.Add(verdict.ResolvConf, f.ResolvConf.Error)
	}
}

// judgeUpstream is about a server for other names. One that is slow, or rejects a
// query now and then, is no reason.
func judgeUpstream(v *verdict.Verdict, u *upstream.Status) {
	switch u.State {
	case upstream.Down:
		v.Add(verdict.UpstreamDown, fmt.Sprintf("upstream %s does not answer: %s", u.Server, u.Reason))
	case upstream.Looping:
		v.Add(verdict.UpstreamLooping, fmt.Sprintf("upstream %s asks us what we ask it", u.Server))
	}
}
