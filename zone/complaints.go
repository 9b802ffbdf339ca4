package zone

import "time"

// complaintInterval is the least time between two log lines about refused
// entries. What is refused meanwhile, a thousand times a second if a curator is
// broken, goes into the next one.
const complaintInterval = 10 * time.Second

// complaints are refusals that have yet to be logged.
type complaints struct {
	refusalLog
	source string
	quiet  time.Duration // clock before which there is no further line
}

// complain logs what a batch refused, now or with later ones.
func (s *Store) complain(source string, l refusalLog, inBacklog bool) {
	c := &s.complaints
	if l.news {
		c.source = source
		c.merge(l)
	}
	if !inBacklog && s.clock() >= c.quiet {
		s.complainNow()
	}
}

// complainNow logs what is pending.
func (s *Store) complainNow() {
	c := &s.complaints
	if c.count > 0 {
		s.log.Warn("entries refused: what was known of these nodes stays",
			"source", c.source, "count", c.count, "entries", c.names)
		*c = complaints{quiet: s.clock() + complaintInterval}
	}
}

// complainLate logs what has been pending for long enough, that of a backlog
// which does not end included.
func (s *Store) complainLate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clock() >= s.complaints.quiet {
		s.complainNow()
	}
}
