package zone

// stands reports whether what the zone holds of a node prevails over what
// another source reports: while it is there, the source that was made earlier
// takes precedence, and any source over what was saved.
func stands(holds, reported record) bool {
	return outranks(holds.source, reported.source) && (holds.flags&departed == 0 || reported.source == savedRank)
}

// outranks reports whether a source takes precedence over another one.
func outranks(a, b uint8) bool {
	return a != savedRank && (b == savedRank || a < b)
}

// statement is what the source that takes precedence reports of a node.
func (s *Store) statement(k key) (reported record, known bool) {
	if reported, withheld := s.withheld[k]; withheld {
		return reported, true
	}
	return s.draft.nodes.get(k)
}

// setAside keeps what a source reports of a node while another one takes
// precedence: when that drops the node, this takes effect. What was saved is
// only valid until a source reports the node.
func (src *Source) setAside(k key, reported record) {
	if src.rank == savedRank {
		return
	}
	if before, known := src.aside[k]; known && reported.flags&hasAddress == 0 {
		reported.takeAddrs(before)
	}
	if src.aside == nil {
		src.aside = map[key]record{}
	}
	src.aside[k] = reported
}

// takeAside returns the statement on a node that takes effect now that the one
// before is withdrawn, if any.
func (s *Store) takeAside(k key) (reported record, found bool) {
	for _, src := range s.sources { // in the order of precedence: saved has none
		if reported, found = src.aside[k]; found {
			delete(src.aside, k)
			return reported, true
		}
	}
	return reported, false
}
