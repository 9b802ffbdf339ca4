package zone

// stands reports whether what the zone holds of a node stands against what
// another source reports: while it is there, the source that was made earlier is
// believed, and any before what was saved.
func stands(holds, said record) bool {
	return outranks(holds.source, said.source) && (holds.flags&departed == 0 || said.source == savedRank)
}

// outranks reports whether a source is believed before another one.
func outranks(a, b uint8) bool {
	return a != savedRank && (b == savedRank || a < b)
}

// statement is what the source that is believed reports of a node.
func (s *Store) statement(k key) (said record, known bool) {
	if said, withheld := s.withheld[k]; withheld {
		return said, true
	}
	return s.draft.nodes.get(k)
}

// setAside keeps what a source reports of a node while another one is believed:
// when that drops the node, this takes effect. What was saved is only good until
// a source reports the node.
func (src *Source) setAside(k key, said record) {
	if src.rank == savedRank {
		return
	}
	if before, known := src.aside[k]; known && said.flags&hasAddress == 0 {
		said.takeAddrs(before)
	}
	if src.aside == nil {
		src.aside = map[key]record{}
	}
	src.aside[k] = said
}

// takeAside returns the statement on a node to be believed now that the one which
// was is taken back, if any.
func (s *Store) takeAside(k key) (said record, found bool) {
	for _, src := range s.sources { // in the order of precedence: saved has none
		if said, found = src.aside[k]; found {
			delete(src.aside, k)
			return said, true
		}
	}
	return said, false
}
