package nodedns

import (
	"fmt"
	"time"

	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/changelog"
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
	Contested []string      `json:"contested,omitempty"`
	Curator   CuratorStatus `json:"curator"`
	// Listeners are the addresses that are answered on now, and ListenerStatus
	// how each one of the configuration stands.
	Listeners      []string         `json:"listeners"`
	ListenerStatus []ListenerStatus `json:"listener_status"`
	// Varlink is absent without such a socket.
	Varlink *VarlinkStatus `json:"varlink"`
	Files   []FileStatus   `json:"files"`
	// Upstreams are the servers that other names go to now, in their order and
	// as the configuration spells them.
	Upstreams []string `json:"upstreams"`
	// UpstreamStatus is how each of them stands, and those of routes.
	UpstreamStatus []UpstreamStatus `json:"upstream_status"`
	HostsLines     HostsLines       `json:"hosts_lines"`
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

// CuratorStatus is the connection to the cluster.
type CuratorStatus struct {
	State  curator.State `json:"state"`
	Detail string        `json:"detail,omitempty"`
	// Endpoint that is connected, or was tried last.
	Endpoint string `json:"endpoint"`
	// ConnectedSince is absent without a connection.
	ConnectedSince *time.Time `json:"connected_since"`
	// DataSince is when the cluster's nodes were last known to be all there,
	// and absent before they ever were.
	DataSince *time.Time `json:"data_since"`
	Cluster   string     `json:"cluster,omitempty"`
	// Leader of the control plane by the word of most curators.
	Leader zone.ID `json:"leader,omitempty"`
	// Curators are what each of them says.
	Curators []curator.LeaderReport `json:"curators,omitempty"`
	// Members are the nodes that may speak for the cluster now.
	Members []curator.Member `json:"members"`
	// Accepted is the node by whose word the members became known, where it was
	// believed without being pinned or trusted; absent otherwise.
	Accepted *curator.Acceptance `json:"accepted,omitempty"`
	// Refused are the last nodes that were not heard, oldest first.
	Refused     []CuratorRefusal          `json:"refused,omitempty"`
	Credentials curator.CredentialsStatus `json:"credentials"`
	// Report of our address to the cluster, absent where there is none.
	Report  *ReportStatus `json:"report,omitempty"`
	Remarks []string      `json:"remarks,omitempty"`

	// Rejected is how the last round of attempts ended, if by a refusal of either
	// side, until a backlog is in, and RejectedDetail why; Removed is why the
	// cluster does not have this node, and FileError why the members are not saved or were not read.
	Rejected       curator.State `json:"-"`
	RejectedDetail string        `json:"-"`
	Removed        string        `json:"-"`
	FileError      string        `json:"-"`

	Counters     curator.Counters          `json:"-"`
	Refusals     map[curator.Reason]uint64 `json:"-"`
	Certificates []curator.Certificate     `json:"-"`
}

// CuratorRefusal is a node that was not heard as a curator, though its
// certificate is of the cluster.
type CuratorRefusal struct {
	ID       zone.ID        `json:"id"`
	Endpoint string         `json:"endpoint,omitempty"`
	Reason   curator.Reason `json:"reason"`
	// Text is the reason as a sentence, with what to do.
	Text string    `json:"text"`
	At   time.Time `json:"at"` // the last time
}

// Followed is whether the cluster's nodes are followed now, so that what is known
// of them is up to date. That is so for a node that was removed, too.
func (c *CuratorStatus) Followed() bool {
	return c.State == curator.StateConnected || c.State == curator.StateRemoved
}

// ReportStatus is the reporting of our address to the cluster.
type ReportStatus struct {
	// Address that the cluster was told last, and when; absent before.
	Address string     `json:"address,omitempty"`
	At      *time.Time `json:"at,omitempty"`
	// Error is why the last attempt failed, or empty.
	Error string `json:"error,omitempty"`
}

func newReportStatus(r curator.Report) *ReportStatus {
	if r == (curator.Report{}) {
		return nil
	}
	status := &ReportStatus{At: when(r.At), Error: r.Error}
	if r.Address.IsValid() {
		status.Address = r.Address.String()
	}
	return status
}

// FileStatus is one of the files that are kept.
type FileStatus struct {
	Path string `json:"path"`
	// UpToDate says that it is what it should be, by a write or because it was
	// already. It is false before the first attempt.
	UpToDate bool `json:"up_to_date"`
	// Written is when this process wrote it last, absent while it has not.
	Written *time.Time `json:"written"`
	// Error is why it is not what it should be, or empty.
	Error string `json:"error"`

	// Since is when it became what it should be, or was found so first; nil
	// while it is not.
	Since    *time.Time `json:"-"`
	Writes   uint64     `json:"-"`
	Failures uint64     `json:"-"`
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
		Files:      []FileStatus{},
		Upstreams:  []string{},
		Varlink:    s.varlinkStatus(),
		ResolvConf: s.resolvConfStatus(),
		LastReload: s.lastReload.Load(),
		Self:       s.self.status(),

		ListenerStatus: s.listenerStatus(),
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
	for _, f := range s.files.Status() {
		status.Files = append(status.Files, FileStatus{
			Path: f.Path, UpToDate: f.UpToDate, Written: when(f.Written), Error: f.Error,
			Since: when(f.Since), Writes: f.Writes, Failures: f.Failures,
		})
	}
	lines := s.dns.HostsSummary()
	status.HostsLines = newHostsLines(lines)
	status.UpstreamStatus = s.upstreamStatus()
	f := facts{
		Status: &status, started: s.hasStarted(), expected: snapshot.Cluster().Expected,
		self: s.self.failures(), hosts: lines.Problem, full: overflowText(snapshot),
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

func (s *Service) curatorStatus(cluster zone.Cluster) CuratorStatus {
	c := s.cluster.Status()
	status := CuratorStatus{
		State:          c.State,
		Detail:         c.Detail,
		Endpoint:       c.Endpoint,
		ConnectedSince: when(c.ConnectedSince),
		DataSince:      when(cluster.DataSince),
		Cluster:        cluster.ID,
		Leader:         c.Leader,
		Curators:       c.Curators,
		Credentials:    c.Credentials,
		Report:         newReportStatus(c.Report),
		Remarks:        c.Remarks,
		Members:        append([]curator.Member{}, c.Members...),
		Accepted:       c.Accepted,
		Rejected:       c.Rejected,
		RejectedDetail: c.RejectedDetail,
		Removed:        c.Removed,
		FileError:      c.FileError,
		Counters:       c.Counters,
		Refusals:       c.Refused,
		Certificates:   c.Certificates,
	}
	for _, r := range c.Refusals {
		status.Refused = append(status.Refused, CuratorRefusal{r.ID, r.Endpoint, r.Reason, r.Error(), *when(r.At)})
	}
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
