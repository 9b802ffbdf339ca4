package zone

import (
	"iter"
)

// NameConflict is a readable name that several live nodes claim.
type NameConflict struct {
	Name string
	// Nodes are the one that has the name, if one has, since it had it before the
	// others came, and of the others the one with the smallest ID.
	Nodes [2]ID
	// Owned reports whether the first of Nodes has the name. Otherwise none of them
	// has, since it is not known which one had it before.
	Owned bool
	// Count of all of them.
	Count int
}

// String names the name, the nodes that claim it, and which one has it.
func (c NameConflict) String() string {
	text := c.Name + ": " + namedOf(c.Nodes, c.Count)
	if c.Owned {
		return text + "; the first has it"
	}
	return text + "; none has it"
}

// nameConflict is a NameConflict as the zone keeps it. It is kept for claims of
// departed nodes, too, which are no conflict.
type nameConflict struct {
	first, second key
	live          int
	owned         bool   // the first has the name
	origin        Origin // of the claims of the best rank
}

// NameConflicts yields the names that several live nodes claim, in an unspecified
// but stable order.
func (s *Snapshot) NameConflicts() iter.Seq[NameConflict] {
	return func(yield func(NameConflict) bool) {
		for sum, c := range s.names.contested.all() {
			if c.live > 1 && !yield(s.nameConflict(sum.hi, c)) {
				return
			}
		}
	}
}

// NewNameConflicts yields the conflicts that are not those of an older snapshot of
// the same Store: another name, other nodes, or another owner. Its cost grows with
// their number.
func (s *Snapshot) NewNameConflicts(old *Snapshot) iter.Seq[NameConflict] {
	return func(yield func(NameConflict) bool) {
		diff(old.names.contested, s.names.contested, func(d difference[nameConflict]) bool {
			was, is := d.before, d.after
			if is == nil || is.value.live < 2 || was != nil && was.value.live > 1 && was.value.sameNodes(is.value) {
				return true
			}
			return yield(s.nameConflict(is.key.hi, is.value))
		})
	}
}

func (c nameConflict) sameNodes(other nameConflict) bool {
	return c.first == other.first && c.second == other.second && c.owned == other.owned
}

func (s *Snapshot) nameConflict(sum uint64, c nameConflict) NameConflict {
	nodes := [2]Node{s.nodeOrLocal(c.first), s.nodeOrLocal(c.second)}
	if !c.owned {
		nodes = Rivals{s, &c}.Nodes()
	}
	conflict := NameConflict{Nodes: [2]ID{nodes[0].ID(), nodes[1].ID()}, Owned: c.owned, Count: c.live}
	for name := range s.namesOf(c.first).each {
		if s.hash(name) == sum {
			conflict.Name = name
		}
	}
	return conflict
}
