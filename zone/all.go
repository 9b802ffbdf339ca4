package zone

import (
	"cmp"
	"iter"
	"slices"
)

// All yields every node, this machine and departed ones included, sorted by
// ID.
func (s *Snapshot) All() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		var local [1]stray
		strays := s.strays(local[:0])
		for found := range s.nodes.slots {
			if s.isStray(found) {
				continue
			}
			for len(strays) > 0 && s.sortsBefore(&strays[0], found.key) {
				if !yield(strays[0].node) {
					return
				}
				strays = strays[1:]
			}
			if !yield(Node{snapshot: s, slot: found}) {
				return
			}
		}
		for i := range strays {
			if !yield(strays[i].node) {
				return
			}
		}
	}
}

// stray is a node that is not in its place in the order of keys: this machine, which
// may have no slot, and the nodes with a free ID.
type stray struct {
	node Node
	id   ID
}

func (s *Snapshot) isStray(found *slot[record]) bool {
	return found.value.flags&freeID != 0 || s.isLocal(found.key)
}

// strays appends them, sorted by ID.
func (s *Snapshot) strays(list []stray) []stray {
	list = append(list, stray{s.Local(), s.local.id})
	if s.free == 0 {
		return list
	}
	for found := range s.nodes.slots {
		if found.value.flags&freeID != 0 && !s.isLocal(found.key) {
			node := Node{snapshot: s, slot: found}
			list = append(list, stray{node, node.ID()})
		}
	}
	slices.SortFunc(list, func(a, b stray) int { return cmp.Compare(a.id, b.id) })
	return list
}

// sortsBefore reports whether a stray's ID sorts no later than that of k.
func (s *Snapshot) sortsBefore(stray *stray, k key) bool {
	if stray.node.local && s.local.shaped {
		return compareKeys(s.local.key, k) <= 0
	}
	var buffer [maxLabel]byte
	return string(stray.id) <= string(k.appendID(buffer[:0], s.prefix))
}
