package nodedns

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/selfcheck"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/resolver/varlink"
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/watchers/netlink"
	"github.com/nodedns/nodedns/watchers/nodefile"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/changelog"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// The states of a Service, as its verdict has them.
const (
	StateStarting = verdict.StateStarting
	StateWaiting  = verdict.StateWaiting
	StateReady    = verdict.StateReady
	StateDegraded = verdict.StateDegraded
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
	// AddressCandidates are the addresses that this machine's are chosen from, the
	// first ones, and why each is or not; none with a local source of the embedder.
	AddressCandidates []netlink.Candidate `json:"address_candidates"`
	Serial            uint64              `json:"serial"`
	Nodes             zone.Counts         `json:"nodes"`
	// Refused are entries of the cluster that are refused now, the first ones of
	// Nodes.Quarantined.
	Refused []zone.Refusal `json:"refused,omitempty"`
	// Conflict states that another machine has this node's key, and what to do
	// about it. It is absent without one.
	Conflict string `json:"conflict,omitempty"`
	// Contested are addresses that several nodes claim, the first ones, and
	// ContestedNames readable names.
	Contested      []string       `json:"contested,omitempty"`
	ContestedNames []string       `json:"contested_names,omitempty"`
	Curator        curator.Status `json:"curator"`
	// NodeFiles are the files of nodes that are there.
	NodeFiles []nodefile.Status `json:"node_files"`
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
		NodeFiles:  s.nodeFiles.Status(),
		Listeners:  append([]netip.AddrPort{}, s.dns.Addrs()...),
		Files:      s.files.Status(),
		Upstreams:  []string{},
		Varlink:    s.varlinkStatus(),
		ResolvConf: s.resolvConfStatus(),
		LastReload: s.lastReload.Load(),
		Self:       s.self.Status(),

		AddressCandidates: []netlink.Candidate{},

		ListenerStatus: s.dns.Listeners(),
		UpstreamStatus: s.dns.UpstreamStatus(),
		HostsLines:     s.dns.HostsSummary(),
	}
	if all := s.candidates.Load(); all != nil {
		status.AddressCandidates = append(status.AddressCandidates, *all...)
	}
	if s.saved != nil {
		status.Saved = when(s.saved.Written())
	}
	status.Contested = firstTexts(snapshot.AddressConflicts())
	status.ContestedNames = firstTexts(snapshot.NameConflicts())
	for _, server := range s.dns.Upstreams() {
		status.Upstreams = append(status.Upstreams, server.String())
	}
	for _, t := range s.tasks() {
		status.Tasks = append(status.Tasks, TaskStatus{t.Name, t.Failures()})
	}
	status.Verdict, status.State = s.facts(&status, snapshot).Assess()
	status.Errors = status.Verdict.Texts()
	return status
}

// firstTexts are the texts of the first conflicts, or nil.
func firstTexts[C fmt.Stringer](conflicts iter.Seq[C]) (texts []string) {
	for conflict := range conflicts {
		if texts = append(texts, conflict.String()); len(texts) == changelog.MaxNames {
			break
		}
	}
	return texts
}

// facts are what the verdict on a status is made of.
func (s *Service) facts(status *Status, snapshot *zone.Snapshot) *verdict.Facts {
	f := &verdict.Facts{
		Started:    s.hasStarted(),
		Answering:  len(status.Listeners) > 0,
		HasAddress: len(status.Addresses) > 0,
		Listeners:  status.ListenerStatus,
		Conflict:   status.Conflict,
		Expected:   snapshot.Cluster().Expected,
		ZoneReady:  status.Ready,
		Overflowed: snapshot.Overflowed(),
		Nodes:      status.Nodes,
		Refused:    status.Refused,
		Curator:    status.Curator,
		NodeFiles:  status.NodeFiles,
		Files:      status.Files,
		HostsLines: status.HostsLines.Unusable,
		Upstreams:  status.UpstreamStatus,
		Self:       s.self.Failures(),
	}
	f.LostAt, f.Lost = snapshot.ClusterLost(s.clock())
	if r := status.ResolvConf; r != nil {
		f.ResolvConf, f.Source, f.Alternatives = r.Error, r.Source, r.Alternatives
	}
	if r := status.LastReload; r != nil {
		f.Reload = r.Error
	}
	for _, t := range s.tasks() {
		if err := t.Err(); err != nil {
			f.Tasks = append(f.Tasks, fmt.Sprintf("%s: %v", t.Name, err))
		}
	}
	return f
}

func (s *Service) curatorStatus(cluster zone.Cluster) curator.Status {
	status := s.cluster.Status()
	status.DataSince, status.Cluster = when(cluster.DataSince), cluster.ID
	return status
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
	status.Source, status.Alternatives = s.dns.SystemConfig().From, s.dns.Alternatives()
	return &status
}

// checkFile looks our own name up in the hosts file, once that was written.
func (s *Service) checkFile() (known bool, err error) {
	applied := s.files.Applied()
	if applied == nil {
		return false, nil
	}
	return true, s.files.CheckSelf(applied)
}
