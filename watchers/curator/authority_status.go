package curator

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// Reason is why a node is ignored as a curator, though its certificate is of
// the cluster.
type Reason string

// The reasons.
const (
	ReasonWrongNode   Reason = "wrong_node"   // another one than the endpoint names
	ReasonNotEntitled Reason = "not_entitled" // not known to be of the control plane
	ReasonNotMember   Reason = "not_member"   // its backlog does not list it as consensus member
)

// Reasons lists them all.
func Reasons() []Reason { return []Reason{ReasonWrongNode, ReasonNotEntitled, ReasonNotMember} }

// UnauthorizedError means that a node may not speak for the cluster.
type UnauthorizedError struct {
	Reason   Reason
	Endpoint string  // where it answered; empty with a dialer
	ID       zone.ID // from its certificate
	Want     zone.ID // that the endpoint names, for ReasonWrongNode
}

func (e *UnauthorizedError) Error() string {
	switch e.Reason {
	case ReasonWrongNode:
		return fmt.Sprintf("node %s answers there, where only node %s may: correct the endpoint if it is in curator.endpoints; if not, see which of the two nodes has this address", e.ID, e.Want)
	case ReasonNotMember:
		return fmt.Sprintf("the backlog of node %s does not list it as consensus member, and is dropped", e.ID)
	}
	return fmt.Sprintf("node %s answers there, which is not known to be of the control plane: %s", e.ID, PinAdvice(e.Endpoint, e.ID))
}

// PinAdvice is what to do about a curator that is not known yet; the endpoint is
// empty with a dialer.
func PinAdvice(endpoint string, id zone.ID) string {
	trust := fmt.Sprintf(`run "nodedns curator trust %s"`, id)
	if endpoint == "" {
		return "if it is a curator, " + trust
	}
	return fmt.Sprintf(`if it is a curator, write "%s#%s" in curator.endpoints, or %s`, endpoint, id, trust)
}

// Refusal is a node that was ignored, by an [UnauthorizedError].
type Refusal struct {
	ID       zone.ID   `json:"id"`
	Endpoint string    `json:"endpoint,omitempty"`
	Reason   Reason    `json:"reason"`
	Text     string    `json:"text"` // the reason as a sentence, with what to do
	At       time.Time `json:"at"`   // the last time
}

// maxRecent bounds the refusals that are remembered individually.
const maxRecent = 8

// refusals are counted, and the last ones of different nodes kept.
type refusals struct {
	counts map[Reason]uint64
	recent []Refusal // oldest first
}

// refuse counts a refusal, logs it the first time, and returns it. The caller
// holds the lock.
func (a *authority) refuse(err *UnauthorizedError) error {
	r := &a.refusals
	if r.counts == nil {
		r.counts = map[Reason]uint64{}
	}
	r.counts[err.Reason]++
	refusal := Refusal{ID: err.ID, Endpoint: err.Endpoint, Reason: err.Reason, Text: err.Error()}
	i := slices.IndexFunc(r.recent, func(known Refusal) bool {
		known.At = time.Time{}
		return known == refusal
	})
	if i < 0 {
		if len(r.recent) == maxRecent {
			r.recent = slices.Delete(r.recent, 0, 1)
		}
		r.recent = append(r.recent, refusal)
		i = len(r.recent) - 1
		a.log.Warn("ignoring a node that may not speak for the cluster",
			"node", err.ID, "endpoint", err.Endpoint, "reason", string(err.Reason), "error", err)
	}
	r.recent[i].At = time.Now().UTC().Truncate(time.Millisecond)
	return err
}

// refuseBacklog refuses one that does not list its sender.
func (a *authority) refuseBacklog(sender zone.ID, endpoint string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refuse(&UnauthorizedError{Reason: ReasonNotMember, Endpoint: endpoint, ID: sender})
}

// The two reasons why a node without entitlement is believed.
const (
	FirstContact = "first contact"
	Recovery     = "no entitled curator was heard for curator.recover_after"
)

// Acceptance is a node that was believed without being entitled. It is immutable.
type Acceptance struct {
	ID       zone.ID   `json:"id"`
	Endpoint string    `json:"endpoint,omitempty"`
	Why      string    `json:"reason"`
	At       time.Time `json:"at"`
}

// Member is a node that may speak for the cluster, and why.
type Member struct {
	ID zone.ID `json:"id"`
	// Source is "pinned" by an endpoint, "trusted" by hand, a consensus
	// "member" by the last backlog, "named" as leader by one of these, or
	// "provisional" at first contact and in recovery.
	Source string `json:"source"`
}

// status adds the state of the authority to a status.
func (a *authority) status(s *Status) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s.Members = []Member{}
	seen := map[zone.ID]bool{}
	for _, group := range []struct {
		source string
		ids    map[zone.ID]bool
	}{
		{"pinned", a.pinned}, {"trusted", a.trusted}, {"member", a.members}, {"named", a.named},
	} {
		for _, id := range sorted(group.ids) {
			if !seen[id] {
				seen[id] = true
				s.Members = append(s.Members, Member{id, group.source})
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(a.provisional)) {
		if !seen[id] && a.isProvisional(id) {
			s.Members = append(s.Members, Member{id, "provisional"})
		}
	}
	s.Refusals = slices.Clone(a.refusals.recent)
	s.Refused = make(map[Reason]uint64, len(Reasons()))
	for _, reason := range Reasons() {
		s.Refused[reason] = a.refusals.counts[reason]
	}
	if a.accepted != nil && !a.pinned[a.accepted.ID] && !a.trusted[a.accepted.ID] {
		s.Accepted = a.accepted
	}
	s.FileError = a.fileError
}
