package zone

import "slices"

// DefaultMaxNodes is how many nodes a zone holds unless [Config.MaxNodes] says
// otherwise, about as many as have been measured: they take 280 MB.
const DefaultMaxNodes = 1_000_000

// makeRoom drops a departed node for one that is in the cluster, if there is any.
func (s *Store) makeRoom(reported record) bool {
	if reported.flags&departed != 0 {
		return false
	}
	for k := range s.marks {
		s.delete(k)
		return true
	}
	return false
}

// noteOverflow logs when the zone begins to lack nodes of a source, for lack of
// room, and when it has all of them again: after a complete backlog that fits.
func (s *Store) noteOverflow() {
	over := slices.ContainsFunc(s.sources, func(src *Source) bool { return src.overflowed })
	if over == s.draft.overflowed {
		return
	}
	if s.draft.overflowed = over; over {
		s.log.Error("the zone is full: nodes of the cluster are missing, and names that are not in it cannot be denied", "nodes", s.max)
	} else {
		s.log.Info("the zone has all nodes of the cluster again", "nodes", s.draft.nodes.size)
	}
}

// Overflowed reports whether nodes are missing because the zone is full. Until
// a complete backlog fits again, a name that is not in the zone may exist.
func (s *Snapshot) Overflowed() bool { return s.overflowed }
