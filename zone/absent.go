package zone

import "slices"

// see notes that the present backlog names a node. A backlog that repeats
// itself for ever is kept from growing by counting each name once.
func (src *Source) see(k key) {
	if !src.inBacklog {
		return
	}
	if len(src.seen) == cap(src.seen) {
		if s := src.store; len(src.seen) > s.draft.nodes.size+len(s.withheld) {
			src.sortSeen() // some are in it more than once
		}
		src.seen = slices.Grow(src.seen, len(src.seen)/2+64)
	}
	src.seen = append(src.seen, k)
}

func (src *Source) sortSeen() {
	slices.SortFunc(src.seen, compareKeys)
	src.seen = slices.Compact(src.seen)
}

// absent lists the nodes that the backlog should have named and did not: the
// source's own, and what was saved once no other source is awaited. This
// machine is present, whatever a cluster's backlog reports; files may have no entry,
// and so no names, for it or for a node that was saved.
func (src *Source) absent() (absent []key) {
	s := src.store
	src.sortSeen()
	seen := src.seen
	src.vouched = nil
	for k, r := range s.draft.nodes.all() {
		for len(seen) > 0 && compareKeys(seen[0], k) < 0 {
			seen = seen[1:]
		}
		named := len(seen) > 0 && seen[0] == k
		switch {
		case r.source == savedRank && named:
			if _, aside := src.aside[k]; !aside {
				src.vouch(k)
			}
		case named, r.flags&departed != 0, s.draft.isLocal(k) && !src.files:
		case r.source == src.rank, r.source == savedRank && (src.files && r.names != 0 || !s.isKept(k, r, src)):
			absent = append(absent, k)
		}
	}
	for k, r := range s.withheld {
		if _, known := s.draft.nodes.get(k); known {
			continue // and has been looked at
		}
		if !src.hasSeen(k) && r.source == src.rank {
			absent = append(absent, k)
		}
	}
	for k := range src.aside {
		if !src.hasSeen(k) {
			src.dropAside(k)
			delete(src.spelled, k)
		}
	}
	return absent
}

func (src *Source) hasSeen(k key) bool {
	_, named := slices.BinarySearchFunc(src.seen, k, compareKeys)
	return named
}

// vouch notes that the source knows a saved node, of which it has only reported
// invalid entries.
func (src *Source) vouch(k key) {
	if src.vouched == nil {
		src.vouched = map[key]struct{}{}
	}
	src.vouched[k] = struct{}{}
}

// isKept reports whether a saved node stays although a source does not have it: its
// origin may have yet to be heard, or a source knows the node.
func (s *Store) isKept(k key, saved record, src *Source) bool {
	return s.awaitsOrigin(saved, src) || s.isVouched(k)
}

func (s *Store) isVouched(k key) bool {
	return slices.ContainsFunc(s.sources, func(src *Source) bool { _, known := src.vouched[k]; return known })
}
