package cache

import (
	"time"
)

// standing is the order in which entries are evicted: S3-FIFO (Yang et al.,
// SOSP 2023).
//
// A new entry comes into the small queue, a tenth of the whole, and unless it
// is asked for again while it passes through, it leaves at its end. Only
// entries that are asked for get into the main queue, where each hit, three at
// most, buys another round. So a flood of names that are asked once goes
// through the small queue and leaves the popular ones where they are. A hit
// moves nothing, it only counts, which is why it needs no lock.
type standing struct {
	small, main queue
	// ghosts are marks of names that left the small queue recently. One that
	// comes back is known to be asked for more often than the queue could
	// see, and goes to the main queue at once.
	ghosts []uint32
}

const (
	// smallShare is the share of the small queue: 1/smallShare.
	smallShare = 10
	// ghostBytes is what a mark takes up.
	ghostBytes = 4
	// maxChances bounds the entries that one eviction looks at, and so the
	// time that the lock is held, to some 100 µs. Beyond it the oldest is evicted,
	// popular or not. Seldom more than a few are looked at.
	maxChances = 1000
)

func (s *standing) bytes() int64 { return s.small.bytes + s.main.bytes }

func (s *standing) queues() [2]*queue { return [...]*queue{&s.small, &s.main} }

// queueOf is the queue that an entry is in.
func (s *standing) queueOf(e *entry) *queue {
	if e.inMain {
		return &s.main
	}
	return &s.small
}

// admit takes in a new entry.
func (s *standing) admit(e *entry) {
	mark := s.ghost(e.hash)
	e.inMain = *mark == tag(e.hash)
	if e.inMain {
		*mark = 0
	}
	s.queueOf(e).push(e)
}

// renew puts an entry in place of the old one for the same question. That it
// was asked for again counts like a hit.
func (s *standing) renew(old, e *entry) {
	s.queueOf(old).remove(old)
	e.inMain = old.inMain
	e.hits.Store(1)
	s.queueOf(e).push(e)
}

// victim is the entry to evict next. There must be one.
func (s *standing) victim(now, stale time.Duration) *entry {
	for chance := 0; ; chance++ {
		from := &s.main
		if s.main.oldest == nil || s.small.bytes > s.bytes()/smallShare {
			from = &s.small
		}
		e := from.oldest
		if chance == maxChances || !e.servable(now, stale) || !s.spare(e) {
			return e
		}
	}
}

// spare keeps an entry that has been hit often enough, and reports whether it
// did.
func (s *standing) spare(e *entry) bool {
	// One hit is not enough to leave the small queue: many programs ask
	// twice within a second and never again.
	const enough = 2
	switch {
	case e.inMain && e.hits.Load() > 0:
		s.main.remove(e)
		e.hits.Add(-1)
	case !e.inMain && e.hits.Load() >= enough:
		s.small.remove(e)
		e.inMain = true
		e.hits.Store(0)
	default:
		return false
	}
	s.main.push(e)
	return true
}

// remember marks an entry that leaves.
func (s *standing) remember(e *entry) {
	if !e.inMain {
		*s.ghost(e.hash) = tag(e.hash)
	}
}

// ghost is where the mark for a hash is.
func (s *standing) ghost(hash uint64) *uint32 {
	return &s.ghosts[index(hash, len(s.ghosts))]
}

// tag is the mark for a hash: its lower bits, as the place depends on the
// upper ones. 0 stands for none.
func tag(hash uint64) uint32 { return uint32(hash) | 1 }
