package nodedns

import (
	"fmt"
	"time"

	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/changelog"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// The states of a Service.
const (
	StateStarting = "starting" // not all listeners and files are there yet
	StateWaiting  = "waiting"  // answering, and the cluster's nodes are not known yet
	StateReady    = "ready"    // all that was asked for works
	StateDegraded = "degraded" // answering, and something else is wrong
)

// Status is how a Service stands at one moment, in a form fit for JSON.
type Status struct {
	NodeID string `json:"node_id"`
	// State is one of StateStarting, StateWaiting, StateReady and StateDegraded,
	// by the Verdict.
	State string `json:"state"`
	// Verdict says whether all that was asked for works, and if not, why.
	Verdict Verdict `json:"verdict"`
	// Ready is whether names that are not in the zone are known not to exist.
	Ready     bool        `json:"ready"`
	Addresses []string    `json:"addresses"`
	Serial    uint64      `json:"serial"`
	Nodes     zone.Counts `json:"nodes"`
	// Refused are entries of the cluster that are refused now, the first ones of
	// Nodes.Quarantined.
	Refused []zone.Refusal `json:"refused,omitempty"`
	// Conflict says that another machine has this node's key, and what to do
	// about it. It is absent without one.
	Conflict string `json:"conflict,omitempty"`
	// Contested are addresses that several nodes claim, the first ones.
	Contested []string       `json:"contested,omitempty"`
	Curator   curator.Status `json:"curator"`
	// Listeners are the addresses that are answered on now, and ListenerStatus
	// how each one of the configuration stands.
	Listeners      []string        `json:"listeners"`
	ListenerStatus []listen.Status `json:"listener_status"`
	// Varlink is absent without such a socket.
	Varlink *VarlinkStatus         `json:"varlink"`
	Files   []hostsfile.FileStatus `json:"files"`
	// Upstreams are the servers that other names go to now, in their order and
	// as the configuration spells them.
	Upstreams []string `json:"upstreams"`
	// UpstreamStatus is how each of them stands, and those of routes.
	UpstreamStatus []UpstreamStatus      `json:"upstream_status"`
	HostsLines     resolver.HostsSummary `json:"hosts_lines"`
	// ResolvConf is absent where resolv.conf is turned off.
	ResolvConf *resolvconf.Status `json:"resolv_conf"`
	// LastReload is the last attempt to load the configuration again, absent
	// before the first.
	LastReload *ReloadStatus `json:"last_reload,omitempty"`
	// Errors are the texts of the verdict's reasons.
	Errors []string `json:"errors"`

	Self  SelfStatus   `json:"-"`
	Tasks []TaskStatus `json:"-"`
	// Saved is when the saved nodes were written, by this run or an earlier one;
	// nil before.
	Saved *time.Time `json:"-"`
}

// TaskStatus is a part of the service that is run again when it fails.
type TaskStatus struct {
	Name     string
	Failures uint64 // so far
}

// Status tells how the service stands.
func (s *Service) Status() Status {
	snapshot := s.store.Snapshot()
	counts := snapshot.Counts()
	status := Status{
		NodeID:     string(s.id),
		Ready:      snapshot.Ready() && !snapshot.Overflowed(),
		Addresses:  addresses(snapshot.Local()),
		Serial:     snapshot.Serial(),
		Nodes:      counts,
		Refused:    snapshot.Refused(),
		Conflict:   changelog.DuplicateKeyText(snapshot),
		Curator:    s.curatorStatus(snapshot.Cluster()),
		Listeners:  []string{},
		Files:      s.files.Status(),
		Upstreams:  []string{},
		Varlink:    s.varlinkStatus(),
		ResolvConf: s.resolvConfStatus(),
		LastReload: s.lastReload.Load(),
		Self:       s.self.status(),

		ListenerStatus: s.dns.Listeners(),
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
	for _, listener := range s.dns.Addrs() {
		status.Listeners = append(status.Listeners, listener.String())
	}
	for _, server := range s.dns.Upstreams() {
		status.Upstreams = append(status.Upstreams, server.String())
	}
	status.UpstreamStatus = s.upstreamStatus()
	f := facts{
		Status: &status, started: s.hasStarted(), expected: snapshot.Cluster().Expected,
		self: s.self.failures(), full: overflowText(snapshot),
	}
	f.lostAt, f.lost = snapshot.ClusterLost(s.clock())
	for _, t := range s.tasks() {
		status.Tasks = append(status.Tasks, TaskStatus{t.Name, t.Failures()})
		if err := t.Err(); err != nil {
			f.tasks = append(f.tasks, fmt.Sprintf("%s: %v", t.Name, err))
		}
	}
	status.Verdict = judge(&f)
	status.State = status.Verdict.state(f.started, status.Ready)
	status.Errors = status.Verdict.texts()
	return status
}

func (s *Service) curatorStatus(cluster zone.Cluster) curator.Status {
	status := s.cluster.Status()
	status.DataSince, status.Cluster = when(cluster.DataSince), cluster.ID
	return status
}

// overflowText says that nodes are missing for want of room, or nothing.
func overflowText(snapshot *zone.Snapshot) string {
	if !snapshot.Overflowed() {
		return ""
	}
	counts := snapshot.Counts()
	return fmt.Sprintf("the zone is full with %d nodes, and the cluster has more: those are missing, and names that are not in the zone get SERVFAIL",
		counts.Live+counts.Departed)
}

// hasStarted says whether Ready is closed.
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

func addresses(n zone.Node) []string {
	texts := []string{}
	for addr := range n.Addrs() {
		texts = append(texts, addr.String())
	}
	return texts
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
