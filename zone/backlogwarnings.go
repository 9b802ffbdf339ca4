package zone

import "fmt"

// warnOfNothing reports a backlog of which the zone has accepted nothing. What
// was refused of it is not reported again.
func (src *Source) warnOfNothing() {
	s := src.store
	switch {
	case src.taken, src.files:
	case src.refused.count == 0:
		s.log.Warn("empty cluster backlog ignored, keeping last good data", "source", src.name)
	default:
		s.log.Warn("all entries of the cluster backlog are invalid, keeping last good data",
			"source", src.name, "count", src.refused.count, "entries", src.refused.names)
		if s.refusalLog.source == src.name {
			s.refusalLog = refusalLog{quiet: s.clock() + refusalLogInterval}
		}
	}
}

// warnOfLoss reports a backlog that lacks half of the nodes or more. A cluster
// seldom shrinks that much; a curator that restored old data looks the same.
func (src *Source) warnOfLoss(absent int) {
	s := src.store
	if live := s.draft.counts.Live; !src.files && absent > 0 && 2*absent >= live {
		s.log.Warn("a large part of the cluster is missing from a new backlog: departed, and still answered",
			"source", src.name, "count", absent, "of", live, "share", fmt.Sprintf("%d%%", 100*absent/live))
	}
}
