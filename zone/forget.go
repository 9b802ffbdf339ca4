package zone

import "time"

// reportedBy lists the nodes that the zone has from a source and, if saved is set,
// from what was saved.
func (s *Store) reportedBy(src *Source, saved bool) (keys []key) {
	of := func(r record) bool {
		return r.source == src.rank || saved && r.source == savedRank && r.flags&fromFile == 0
	}
	for k, r := range s.draft.nodes.all() {
		if of(r) {
			keys = append(keys, k)
		}
	}
	for k, r := range s.withheld {
		if _, known := s.draft.nodes.get(k); !known && of(r.record) {
			keys = append(keys, k)
		}
	}
	return keys
}

// dropAll drops nodes of a source. What another source reports of them takes
// effect.
func (s *Store) dropAll(keys []key) {
	if len(keys) == s.draft.nodes.size+len(s.withheld) {
		s.clearNodes()
	}
	for _, k := range keys {
		reported, found := s.takeAside(k)
		if !found {
			s.delete(k)
			continue
		}
		by := s.sources[reported.source]
		spelled, odd := by.spelled[k]
		s.delete(k)
		if odd {
			by.spelled[k] = spelled
		}
		_ = s.reconcile(k, record{}, false, reported) // a clash is in the list of refusals
	}
}

// clearNodes is delete for all nodes at once.
func (s *Store) clearNodes() {
	s.draft.nodes, s.draft.reverse = trie[record]{}, trie[key]{}
	s.draft.groups, s.draft.conflicts, s.draft.shared = groups{}, trie[addressConflict]{}, trie[key]{}
	s.draft.names, s.draft.free = nameIndex{hasher: s.draft.names.hasher}, 0
	s.draft.counts = Counts{Live: 1}
	clear(s.nameClaims)
	clear(s.claims)
	clear(s.withheld)
	clear(s.marks)
}

// forget drops what is known of a source, and from it, except its nodes.
func (src *Source) forget() {
	src.complete, src.settled, src.since = false, false, time.Time{}
	src.seen, src.named, src.current, src.overflowed, src.missing = nil, false, false, false, false
	src.aside, src.vouched, src.self = nil, nil, selfReports{}
	clear(src.spelled)
	src.endReport()
	src.store.refusals.forget(src)
	src.store.clearDuplicate()
}
