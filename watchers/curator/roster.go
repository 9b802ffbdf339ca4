package curator

import (
	"errors"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/zone"
)

// errAgain means that a sender has listed itself as consensus member after events
// that were skipped for lack of that. The stream is opened again.
var errAgain = errors.New("the sender listed itself late: the stream is opened again")

// roster is what one stream lists as consensus members. A sender that is no
// member yet is not believed before it has listed itself as one, and a backlog
// that lacks its sender is dropped: a curator runs on a consensus member.
type roster struct {
	authority *authority // nil: the sender is not known, and vouched for
	prefix    zone.Prefix
	endpoint  string
	sender    zone.ID
	proven    bool // the sender is a member, or has listed itself
	skipped   bool // events were skipped before it was
	late      bool // it has listed itself after those

	itself   bool // the sender is in the list
	listed   []zone.ID
	settled  bool // accepted without a marker
	complete bool // accepted with one
}

// read takes the members from an event, and reports whether the event may be
// applied.
func (r *roster) read(event *curatorpb.WatchEvent) bool {
	if r.authority == nil {
		return true
	}
	for _, node := range event.GetNodes() {
		if id, err := r.prefix.Parse(node.GetId()); err == nil {
			r.note(id, node.GetRoles().GetConsensusMember() != nil)
		}
	}
	for _, tombstone := range event.GetNodeTombstones() {
		if id, err := r.prefix.Parse(tombstone.GetNodeId()); err == nil && r.complete {
			r.authority.revise(id, false)
		}
	}
	r.late = r.skipped && r.itself
	r.proven = r.proven || r.itself
	r.skipped = r.skipped || !r.proven
	return r.proven
}

// note takes one node's role. Without a marker, members are only added; they are
// listed as well, since it may come yet.
func (r *roster) note(id zone.ID, member bool) {
	if r.complete || r.settled && member {
		r.authority.revise(id, member)
	}
	switch {
	case r.complete:
	case id == r.sender:
		r.itself = member
	case member && len(r.listed) < maxMembers:
		r.listed = append(r.listed, id)
	}
}

// accept ends the backlog, at its marker or after a while without one.
func (r *roster) accept(marked bool) error {
	switch {
	case r.authority == nil || !marked && r.proven && !r.itself:
		return nil
	case !r.itself:
		return r.authority.refuseBacklog(r.sender, r.endpoint)
	}
	r.settled, r.complete = true, marked
	return r.authority.accept(r.sender, r.listed, marked)
}
