package curator

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// Status is a Watcher's state at one moment.
type Status struct {
	State State `json:"state"`
	// Detail is why, and what can be done about it where something can.
	Detail string `json:"detail,omitempty"`
	// Endpoint is the curator that is connected or was tried last; empty with
	// a dialer.
	Endpoint string `json:"endpoint"`
	// ConnectedSince is when the present stream delivered its first event, or
	// nil without one.
	ConnectedSince *time.Time `json:"connected_since"`
	// DataSince is when the cluster's nodes were last known to be complete, nil
	// before they ever were, and Cluster its ID, where that is known. The caller,
	// which has the zone, fills in both.
	DataSince *time.Time `json:"data_since"`
	Cluster   string     `json:"cluster,omitempty"`
	// Leader is the node that most curators name, or empty.
	Leader zone.ID `json:"leader,omitempty"`
	// Curators is what each curator reports of the leader, sorted by endpoint.
	Curators []LeaderReport `json:"curators,omitempty"`
	// Members may speak for the cluster now.
	Members []Member `json:"members"`
	// Accepted is the node that the members were learned from, where that was
	// neither pinned nor trusted; nil otherwise.
	Accepted *Acceptance `json:"accepted,omitempty"`
	// Refusals are the last nodes that were ignored, oldest first.
	Refusals []Refusal `json:"refused,omitempty"`
	// Credentials that are, or would be, used.
	Credentials CredentialsStatus `json:"credentials"`
	// Report of this node's address.
	Report Report `json:"report,omitzero"`
	// Remarks are about what is wrong and tolerated: validity dates.
	Remarks []string `json:"remarks,omitempty"`

	// Rejected is StateRefused or StateUnauthorized where the last round ended so,
	// and RejectedDetail why, until a backlog is complete: the attempts in
	// between do not change it.
	Rejected       State  `json:"-"`
	RejectedDetail string `json:"-"`
	// Removed is why the cluster does not have this node any more, by the last
	// stream that showed it either way; empty where it has.
	Removed string `json:"-"`
	// FileError is why the members are not saved, or were not read, or empty.
	FileError string `json:"-"`
	// Refused counts the refusals since the Watcher was made, by the reason.
	Refused map[Reason]uint64 `json:"-"`
	// Certificates that are in use, as far as they are known.
	Certificates []Certificate `json:"-"`

	Counters `json:"-"`
}

// Followed is whether the cluster's nodes are followed now, so that what is known
// of them is up to date. That is so for a node that was removed, too.
func (s *Status) Followed() bool {
	return s.State == StateConnected || s.State == StateRemoved
}

// Counters count since the Watcher was made.
type Counters struct {
	// Attempts to open a stream, Connects that delivered an event, and
	// Failures of either kind, the loss of a working stream included.
	Attempts, Connects, Failures uint64
	// Failovers from one curator to another because that leads.
	Failovers uint64
	// Reports of this node's address that the cluster took, and those that
	// failed.
	Reports, ReportFailures uint64
	// Events received, large ones counted in pieces.
	Events uint64
}

// CredentialsStatus is the state of the credentials.
type CredentialsStatus struct {
	// State is CredentialsValid or another of those, or a [nodetls.Fault].
	State string `json:"state"`
	// Detail in words.
	Detail string `json:"detail,omitempty"`
}

// Certificate is the validity of one.
type Certificate struct {
	// Of is "cluster" for its CA, "node" for this one, "curator" for the
	// connected one.
	Of       string
	NotAfter time.Time
}

// The states of credentials that have no fault.
const (
	CredentialsNone     = "not used"      // no curator is configured, or in plain text
	CredentialsDialer   = "by dialer"     // up to the embedding program
	CredentialsValid    = "valid"         // and in use, as are the next two
	CredentialsNotYet   = "not valid yet" // according to this machine's clock
	CredentialsExpired  = "expired"
	CredentialsUnlooked = "not looked at" // as long as the watcher has not run
)

// Status returns the present status. It may be called from any goroutine.
func (w *Watcher) Status() Status {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	status := w.status
	// A stream that has ended is still syncing until the pause after it begins.
	if since := status.ConnectedSince; status.State == StateSyncing && since != nil {
		status.Detail = fmt.Sprintf("the backlog has been coming in for %v", max(0, now.Sub(*since)).Round(time.Second))
	}
	status.Removed = w.presence.removed
	status.Curators = slices.Clone(w.leaderReports)
	status.Leader = w.leader
	status.Credentials = w.credentials(now)
	w.authority.status(&status)
	if w.reports.address.IsValid() {
		status.Report = w.reports.last
	}
	status.Certificates = certificates(w.plan.credentials, w.peer)
	status.Remarks = remarks(w.plan.credentials, w.peer, status.Endpoint, now)
	return status
}

// credentials is their state. The caller holds the lock.
func (w *Watcher) credentials(now time.Time) CredentialsStatus {
	l := &w.levels
	fault, faulty := errors.AsType[*nodetls.LoadError](l.fault)
	switch {
	case l.dialer != nil:
		return CredentialsStatus{CredentialsDialer, "the program that embeds nodedns has them"}
	case len(l.endpoints) == 0:
		return CredentialsStatus{CredentialsNone, "no curator is configured"}
	case w.cfg.Insecure:
		return CredentialsStatus{CredentialsNone, "plain text"}
	case w.cfg.Credentials == "":
		return CredentialsStatus{CredentialsNone, "no credentials directory is configured"}
	case faulty:
		return CredentialsStatus{string(fault.Fault), fmt.Sprintf("%s: %v", fault.Path, fault.Err)}
	case l.credentials == nil:
		return CredentialsStatus{CredentialsUnlooked, w.cfg.Credentials}
	}
	leaf := l.credentials.Certificate.Leaf
	detail := fmt.Sprintf("until %s", leaf.NotAfter.UTC().Format(time.DateOnly))
	switch {
	case now.Before(leaf.NotBefore):
		return CredentialsStatus{CredentialsNotYet, fmt.Sprintf("valid from %s only, or this clock is slow: used all the same",
			leaf.NotBefore.UTC().Format(time.RFC3339))}
	case now.After(leaf.NotAfter):
		return CredentialsStatus{CredentialsExpired, fmt.Sprintf("since %s, or this clock is fast: used all the same, and to be renewed",
			leaf.NotAfter.UTC().Format(time.RFC3339))}
	}
	return CredentialsStatus{CredentialsValid, detail}
}

// remarks are computed on request, because certificates expire while nothing else
// happens.
func remarks(own *nodetls.Credentials, peer *x509.Certificate, endpoint string, now time.Time) []string {
	var all []string
	if own != nil {
		all = append(all,
			nodetls.Dates("the cluster's CA", own.CA, now),
			nodetls.Dates("this node", own.Certificate.Leaf, now))
	}
	if peer != nil {
		all = append(all, nodetls.Dates("the curator "+endpoint, peer, now))
	}
	return slices.DeleteFunc(all, func(remark string) bool { return remark == "" })
}

// certificates lists those of the credentials and of the connected curator.
func certificates(own *nodetls.Credentials, peer *x509.Certificate) []Certificate {
	var all []Certificate
	if own != nil {
		all = append(all, Certificate{"cluster", own.CA.NotAfter}, Certificate{"node", own.Certificate.Leaf.NotAfter})
	}
	if peer != nil {
		all = append(all, Certificate{"curator", peer.NotAfter})
	}
	return all
}

// update changes the status.
func (w *Watcher) update(change func(*Status)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.status)
}

// enter changes the state.
func (w *Watcher) enter(state State, detail string) {
	w.update(func(s *Status) { w.transit(s, state, detail) })
}

// transit changes the state of a status, under the lock.
func (w *Watcher) transit(s *Status, state State, detail string) {
	if w.transited != nil {
		w.transited(s.State, state)
	}
	s.State, s.Detail = state, detail
}

// setLeaderReports puts what the curators report, and the leader that follows,
// into the status.
func (w *Watcher) setLeaderReports(all []LeaderReport, leader zone.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leaderReports, w.leader = all, leader
}
