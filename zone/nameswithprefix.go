package zone

import (
	"iter"
	"strings"
)

// NamesWithPrefix yields the readable names that begin with a text, in lower case,
// in no order: those that a node has, and not those that several claim and none
// has. It looks through all [Snapshot.CountNames] of them.
func (s *Snapshot) NamesWithPrefix(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for found := range s.names.slots.slots {
			for name := range found.value.names().each {
				// Each name of a node has a slot, and each slot has all of them.
				if !strings.HasPrefix(name, text) || s.hash(name) != found.key.hi {
					continue
				}
				if s.owns(found.value.node(found.key, s.names.hasher), name) && !yield(name) {
					return
				}
			}
		}
	}
}

// CountNames is how many readable names the nodes claim. One that several claim
// counts for each.
func (s *Snapshot) CountNames() int { return s.names.slots.size }
