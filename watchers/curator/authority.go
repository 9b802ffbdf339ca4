package curator

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nodedns/nodedns/zone"
)

const (
	// maxMembers bounds the consensus members and the nodes trusted by hand
	// that are remembered. A control plane has three or five.
	maxMembers = 64
	// recoverGap is how long no node at all may answer for that time to go on.
	// Each endpoint is tried again within seconds.
	recoverGap = time.Minute
)

// authority decides which nodes may speak for the cluster. A certificate of the
// CA proves the identity of a node and no more, and that it runs a curator is
// what each node reports about itself. Entitled are
//
//   - the nodes pinned by an endpoint,
//   - the consensus members of the last backlog that was accepted,
//   - those that an operator trusts by hand, and
//   - the leader that one of these names.
//
// While there is none, at first contact, and after only others answered for a
// while, a node at an endpoint without a pin is entitled too, until an entitled
// one answers again.
type authority struct {
	prefix zone.Prefix
	log    *slog.Logger

	mu           sync.Mutex
	cluster      string
	members      map[zone.ID]bool
	trusted      map[zone.ID]bool
	pinned       map[zone.ID]bool
	named        map[zone.ID]bool // as leader, by another entitled node
	provisional  map[zone.ID]Acceptance
	accepted     *Acceptance   // by which the present members became known
	recoverAfter time.Duration // negative: never
	reports      bool          // an entitled node reports a leader
	watched      bool          // an entitled node is being watched
	silent       time.Time     // since neither, and others answer; zero otherwise
	answered     time.Time     // when one of those others did last
	refusals     refusals
	loaded       bool          // what was saved is loaded already, or reset by hand
	fileError    string        // why the file is unusable
	logged       time.Time     // the last change of the members
	changed      chan struct{} // closed when the members or the trusted nodes change
}

func newAuthority(prefix zone.Prefix, recoverAfter time.Duration, log *slog.Logger) *authority {
	return &authority{
		prefix: prefix, log: log, recoverAfter: recoverAfter,
		members: map[zone.ID]bool{}, trusted: map[zone.ID]bool{}, changed: make(chan struct{}),
	}
}

// renew starts over with another way to reach the cluster: provisional trust is
// void, and the time without an entitled node starts over.
func (a *authority) renew(p *plan) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pinned, a.named, a.provisional = map[zone.ID]bool{}, nil, nil
	for _, endpoint := range p.endpoints {
		if id := endpoint.expected(); id != "" {
			a.pinned[id] = true
		}
	}
	a.reports, a.watched, a.silent = false, false, time.Time{}
}

// setCluster forgets the members of another cluster.
func (a *authority) setCluster(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if id == "" || id == a.cluster {
		return
	}
	if a.cluster != "" {
		a.forget()
	}
	a.cluster = id
	a.wake()
}

// forget makes the next contact the first one. The caller holds the lock.
func (a *authority) forget() {
	clear(a.members)
	clear(a.trusted)
	a.named, a.provisional, a.accepted = nil, nil, nil
	a.refusals.recent = nil
}

// setRecovery changes the time without an entitled node; negative means never.
func (a *authority) setRecovery(after time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recoverAfter = after
}

// admit decides on the node that presented its certificate at an endpoint.
// Nothing is exchanged with a node for which it returns an error.
func (a *authority) admit(at Endpoint, configured bool, id zone.ID) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if want := at.expected(); want != "" && id != want {
		return a.refuse(&UnauthorizedError{Reason: ReasonWrongNode, Endpoint: at.Address(), ID: id, Want: want})
	}
	if a.isEntitled(id) {
		return nil
	}
	if configured {
		a.wait()
	}
	why := a.openness()
	if why == "" || !configured {
		return a.refuse(&UnauthorizedError{Reason: ReasonNotEntitled, Endpoint: at.Address(), ID: id})
	}
	if len(a.provisional) >= maxMembers {
		a.provisional = nil // different nodes keep answering
	}
	if a.provisional == nil {
		a.provisional = map[zone.ID]Acceptance{}
	}
	a.provisional[id] = Acceptance{id, at.Address(), why, time.Now().UTC()}
	a.log.Warn("a curator is believed without a pin", "node", id, "endpoint", at.Address(), "reason", why, "fix", PinAdvice(at.Address(), id))
	return nil
}

// wait tracks the time for which only nodes that are not entitled answer. An
// outage does not count: when it is over, entitled nodes must have had their time
// to answer too, or the fastest one would be believed. The caller holds the lock.
func (a *authority) wait() {
	now := time.Now()
	switch {
	case a.reports || a.watched:
		return
	case a.silent.IsZero(), now.Sub(a.answered) > recoverGap:
		a.silent = now
	}
	a.answered = now
}

// isEntitled reports whether a node may speak now. The caller holds the lock.
func (a *authority) isEntitled(id zone.ID) bool {
	return a.isKnown(id) || a.named[id] || a.isProvisional(id)
}

// isProvisional reports whether a node is believed for lack of an entitled one.
// The caller holds the lock.
func (a *authority) isProvisional(id zone.ID) bool {
	_, admitted := a.provisional[id]
	return admitted && a.openness() != ""
}

// isKnown reports whether a node is entitled in its own right. The caller holds
// the lock.
func (a *authority) isKnown(id zone.ID) bool {
	return a.members[id] || a.trusted[id] || a.pinned[id]
}

// openness is why a node without entitlement is believed at an endpoint without
// a pin, or empty while it is not. The caller holds the lock.
func (a *authority) openness() string {
	switch {
	case len(a.members)+len(a.trusted)+len(a.pinned) == 0:
		return FirstContact
	case a.recoverAfter >= 0 && !a.silent.IsZero() && a.answered.Sub(a.silent) >= a.recoverAfter:
		return Recovery
	}
	return ""
}

// entitled reports whether a node may speak now.
func (a *authority) entitled(id zone.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.isEntitled(id)
}

// isMember reports whether the last accepted backlog lists a node as consensus
// member.
func (a *authority) isMember(id zone.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.members[id]
}

// setReports takes which nodes report a leader at present, and which each names.
// A leader is entitled where a node that is entitled otherwise names it, and not
// by a chain of names.
func (a *authority) setReports(reports []leaderReport) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reports = slices.ContainsFunc(reports, func(v leaderReport) bool { return a.isKnown(v.self) })
	a.listen()
	a.named = map[zone.ID]bool{}
	for _, v := range reports {
		if v.leader != "" && (a.isKnown(v.self) || a.isProvisional(v.self)) {
			a.named[v.leader] = true
		}
	}
}

// watching takes the node that a stream comes from, or an empty ID at its end.
func (a *authority) watching(id zone.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watched = a.isKnown(id)
	a.listen()
}

// listen ends the time without an entitled node where one answers. The caller
// holds the lock.
func (a *authority) listen() {
	if a.reports || a.watched {
		a.silent = time.Time{}
	}
}

// accept makes the consensus members of a backlog those that may speak: all of
// them if it is complete, or else in addition to those known.
func (a *authority) accept(sender zone.ID, listed []zone.ID, complete bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.isEntitled(sender) {
		return a.refuse(&UnauthorizedError{Reason: ReasonNotEntitled, ID: sender})
	}
	switch {
	case a.trusted[sender] || a.pinned[sender]:
		if complete {
			a.accepted = nil // the members are known by an operator's decision
		}
	case !a.members[sender]:
		a.accepted = a.vouching(sender)
	}
	before := maps.Clone(a.members)
	// Where members are only added, the list gets full of those that left.
	if complete || len(a.members) >= maxMembers {
		clear(a.members)
	}
	a.members[sender] = true
	for _, id := range listed {
		if len(a.members) < maxMembers {
			a.members[id] = true
		}
	}
	a.provisional = nil
	a.watched = true
	a.listen()
	a.compare(before)
	return nil
}

// vouching is the provisional node that made a sender entitled: itself, or one
// that named it; else the one recorded before. The caller holds the lock.
func (a *authority) vouching(sender zone.ID) *Acceptance {
	if a.openness() == "" {
		return a.accepted
	}
	for _, id := range append([]zone.ID{sender}, slices.Sorted(maps.Keys(a.provisional))...) {
		if accepted, provisional := a.provisional[id]; provisional {
			return &accepted
		}
	}
	return a.accepted
}

// revise follows one node's role after the backlog. The last member stays: no
// cluster is without one, and it could not be accepted any more.
func (a *authority) revise(id zone.ID, member bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.members[id] == member {
		return
	}
	before := maps.Clone(a.members)
	switch {
	case member && len(a.members) < maxMembers:
		a.members[id] = true
	case !member && len(a.members) > 1:
		delete(a.members, id)
	}
	a.compare(before)
}

// compare logs and publishes a change of the members. The caller holds the lock.
func (a *authority) compare(before map[zone.ID]bool) {
	if maps.Equal(before, a.members) {
		return
	}
	level := slog.LevelInfo
	if time.Since(a.logged) < saveInterval {
		level = slog.LevelDebug // roles that flap do not fill the log
	}
	a.logged = time.Now()
	a.log.Log(context.Background(), level, "the control plane has other members", "members", sorted(a.members), "before", sorted(before))
	a.wake()
}

// wake signals that there is something to save, and other curators to watch. The
// caller holds the lock.
func (a *authority) wake() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// known lists the nodes whose curators are watched beyond the endpoints, the
// members first, and what is closed when these change.
func (a *authority) known() ([]zone.ID, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	trusted := slices.DeleteFunc(sorted(a.trusted), func(id zone.ID) bool { return a.members[id] })
	return append(sorted(a.members), trusted...), a.changed
}

func sorted(ids map[zone.ID]bool) []zone.ID {
	return slices.Sorted(maps.Keys(ids))
}
