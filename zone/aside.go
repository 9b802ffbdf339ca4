package zone

import (
	"math"
	"slices"
)

// stands reports whether what the zone holds of a node prevails over what
// another source reports: while it is there, by precedence.
func (s *Store) stands(holds, reported record) bool {
	return s.precedence(holds) < s.precedence(reported) && (holds.flags&departed == 0 || reported.source == savedRank)
}

// precedence orders statements, the first one to be believed. The sources of a
// cluster come before those of files, each kind in the order in which they were
// made. What an earlier run had from a cluster comes before the files, too, while
// the cluster has yet to be heard; everything else that was saved comes last.
func (s *Store) precedence(r record) int {
	const kind = math.MaxUint8 + 1
	switch {
	case r.source != savedRank && !s.sources[r.source].files:
		return int(r.source)
	case r.source == savedRank && r.flags&fromFile == 0 && s.awaitsCluster():
		return kind
	case r.source != savedRank:
		return 2*kind + int(r.source)
	}
	return 3 * kind
}

// awaitsCluster reports whether a cluster's source is expected to report nodes, and
// has not reported all of them.
func (s *Store) awaitsCluster() bool {
	return slices.ContainsFunc(s.live(), func(src *Source) bool { return !src.files && src.expected && !src.complete })
}

// endWait has the files take precedence over what was saved of a cluster, where that
// has been turned off before it was heard.
func (s *Store) endWait() {
	if s.awaitsCluster() {
		return
	}
	for _, src := range s.live() {
		for k, reported := range src.aside {
			if holds, known := s.holder(k); known && !s.stands(holds, reported.record) {
				_ = s.apply(k, reported) // a clash is in the list of refusals
			}
		}
	}
}

// dropAside withdraws what a source reports of a node while another one takes
// precedence.
func (src *Source) dropAside(k key) {
	if _, known := src.aside[k]; known {
		delete(src.aside, k)
		src.store.dropNames(k, src)
	}
}

// holder is what the source that takes precedence reports of a node, without names.
func (s *Store) holder(k key) (reported record, known bool) {
	if reported, withheld := s.withheld[k]; withheld {
		return reported.record, true
	}
	return s.draft.nodes.get(k)
}

// setAside keeps what a source reports of a node while another one takes
// precedence: when that drops the node, this takes effect. What was saved is
// only valid until a source reports the node.
func (src *Source) setAside(k key, reported statement) {
	if src.rank == savedRank {
		return
	}
	if before, known := src.aside[k]; known && reported.flags&hasAddress == 0 {
		reported.takeAddrs(before.record)
	}
	if src.aside == nil {
		src.aside = map[key]statement{}
	}
	src.aside[k] = reported
}

// takeAside returns the statement on a node that takes effect now that the one
// before is withdrawn, if any.
func (s *Store) takeAside(k key) (reported statement, found bool) {
	for _, src := range s.live() {
		if aside, known := src.aside[k]; known && (!found || s.precedence(aside.record) < s.precedence(reported.record)) {
			reported, found = aside, true
		}
	}
	if found {
		delete(s.sources[reported.source].aside, k)
	}
	return reported, found
}
