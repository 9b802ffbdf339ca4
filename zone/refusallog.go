package zone

import "time"

// refusalLogInterval is the least time between two log lines about refused
// entries. What is refused meanwhile, a thousand times a second if a curator is
// broken, goes into the next one.
const refusalLogInterval = 10 * time.Second

// refusalLog has refusals that have yet to be logged.
type refusalLog struct {
	refusalBatch
	source string
	quiet  time.Duration // clock before which there is no further line
}

// logRefusals logs what a batch refused, now or with later ones.
func (s *Store) logRefusals(source string, l refusalBatch, inBacklog bool) {
	c := &s.refusalLog
	if l.news {
		c.source = source
		c.merge(l)
	}
	if !inBacklog && s.clock() >= c.quiet {
		s.flushRefusals()
	}
	s.holdRefusals()
}

// holdRefusals has Run log later what has not been logged.
func (s *Store) holdRefusals() {
	if s.refusalLog.count == 0 {
		return
	}
	select {
	case s.refusalsHeld <- struct{}{}:
	default:
	}
}

// flushRefusals logs what is pending.
func (s *Store) flushRefusals() {
	c := &s.refusalLog
	if c.count > 0 {
		s.log.Warn("invalid cluster entries ignored, keeping last good data",
			"source", c.source, "count", c.count, "entries", c.names)
		*c = refusalLog{quiet: s.clock() + refusalLogInterval}
	}
}

// flushLateRefusals logs what has been pending for long enough, that of a backlog
// which does not end included.
func (s *Store) flushLateRefusals() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clock() >= s.refusalLog.quiet {
		s.flushRefusals()
	}
	s.holdRefusals()
}
