package zone

import "iter"

// Change is one node that differs between two snapshots. Before does not exist
// for a node that is new, nor After for one that is gone.
type Change struct{ Before, After Node }

// Changes yields the nodes that differ from an older snapshot of the same
// Store, this machine first and the others in a stable order. Its cost grows with
// the number of changes, not with the size of the zone.
func (s *Snapshot) Changes(old *Snapshot) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		if was, is := old.Local(), s.Local(); !was.equal(is) && !yield(Change{was, is}) {
			return
		}
		more := true
		diff(old.nodes, s.nodes, func(d difference[record]) bool {
			if s.isLocal(d.key()) {
				return true
			}
			var c Change
			if d.before != nil {
				c.Before = Node{snapshot: old, slot: d.before}
			}
			if d.after != nil {
				c.After = Node{snapshot: s, slot: d.after}
			}
			more = yield(c)
			return more
		})
		if more {
			s.renamed(old, yield)
		}
	}
}

// renamed yields the nodes that differ in their readable names only, beyond what
// their records show: the hint is of the first name, and not all of that.
func (s *Snapshot) renamed(old *Snapshot, yield func(Change) bool) {
	diff(old.names.slots, s.names.slots, func(d difference[nameSlot]) bool {
		if d.after == nil || s.hash(d.after.value.names().first()) != d.after.key.hi {
			return true
		}
		k := d.after.value.node(d.after.key, s.names.hasher)
		before, after := old.nodes.find(k), s.nodes.find(k)
		if s.isLocal(k) || before == nil || after == nil || before.value != after.value {
			return true
		}
		return yield(Change{Node{snapshot: old, slot: before}, Node{snapshot: s, slot: after}})
	})
}
