package upstream

import (
	"container/list"
	"sync"
	"time"
)

// places bounds what waits concurrently. Once all are taken, what is new gets
// the place of what has been late for the longest: a name that nobody answers
// must not keep out the names that somebody does.
type places struct {
	mu    sync.Mutex
	limit int
	taken list.List // of *place, by when they are late
}

// place is one of them.
type place struct {
	late time.Time // from then on it may be taken over
	end  func()    // ends what has it; does not block
	at   *list.Element
}

// take returns a place, or nil if none is free and nobody is late. What loses
// its place ends, and leaves it nevertheless.
func (p *places) take(late time.Time, end func()) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	if front := p.taken.Front(); p.taken.Len() >= p.limit {
		oldest := front.Value.(*place)
		if time.Now().Before(oldest.late) {
			return nil
		}
		p.taken.Remove(front)
		oldest.end()
	}
	taken := &place{late: late, end: end}
	before := p.taken.Back()
	for before != nil && before.Value.(*place).late.After(late) {
		before = before.Prev()
	}
	if before == nil {
		taken.at = p.taken.PushFront(taken)
	} else {
		taken.at = p.taken.InsertAfter(taken, before)
	}
	return taken
}

// leave frees a place, unless it was taken over.
func (p *places) leave(taken *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken.Remove(taken.at) // nothing if it is not in the list
}

// count is how many are taken.
func (p *places) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken.Len()
}
