package curator

import (
	"crypto/x509"
	"slices"
	"time"

	"github.com/nodedns/nodedns/watchers/curator/nodetls"
)

// State is what a [Watcher] is at.
type State string

// The states of a Watcher. The zone keeps its nodes in all of them.
const (
	// StateOff: there is neither an endpoint nor a dialer, or Run is not
	// running.
	StateOff State = "off"
	// StateAwaitingCredentials: endpoints are there, and credentials are not
	// or not all of them. The normal state before and during an enrolment.
	StateAwaitingCredentials State = "waiting for credentials"
	// StateBadCredentials: credentials are there and cannot be used.
	StateBadCredentials State = "bad credentials"
	// StateConnecting: a connection is being tried; no event has come yet.
	StateConnecting State = "connecting"
	// StateSyncing: the backlog is coming in.
	StateSyncing State = "syncing"
	// StateConnected: the backlog is in and changes are followed.
	StateConnected State = "connected"
	// StateBackingOff: the last attempt failed; the next one follows shortly.
	StateBackingOff State = "backing off"
)

// Status is a Watcher's state at one moment.
type Status struct {
	State State
	// Detail says why, and what can be done about it where something can.
	Detail string
	// Endpoint is the curator that is connected or was tried last; empty with
	// a dialer.
	Endpoint string
	// ConnectedSince is when the present stream delivered its first event, or
	// zero without one.
	ConnectedSince time.Time
	// Remarks are about what is wrong and tolerated: validity dates.
	Remarks []string

	Counters
}

// Counters count since the Watcher was made.
type Counters struct {
	// Attempts to open a stream, Connects that delivered an event, and
	// Failures of either kind, the loss of a working stream included.
	Attempts, Connects, Failures uint64
	// Events received.
	Events uint64
}

// Status returns the present status. It may be called from any goroutine.
func (w *Watcher) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	status := w.status
	status.Remarks = remarks(w.plan.credentials, w.peer, status.Endpoint, time.Now())
	return status
}

// remarks are made when they are asked for, because certificates expire while
// nothing else happens.
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

// update changes the status.
func (w *Watcher) update(change func(*Status)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.status)
}

// enter changes the state.
func (w *Watcher) enter(state State, detail string) {
	w.update(func(s *Status) { s.State, s.Detail = state, detail })
}
