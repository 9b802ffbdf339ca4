package cache

import (
	"sync/atomic"
)

// Stats are numbers for people and metrics.
type Stats struct {
	Entries int   // replies that are kept, expired ones included
	Bytes   int64 // that they take up
	Limit   int64 // of Bytes, which leaves room for the table and the collector

	// Since the cache was made:
	Hits       uint64 // fresh ones
	StaleHits  uint64
	Misses     uint64
	Insertions uint64
	Evictions  uint64 // for lack of room
}

// Stats returns the current numbers.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Stats{Entries: c.entries, Bytes: c.bytes(), Limit: c.limit, Insertions: c.insertions, Evictions: c.evictions}
	for i := range c.tallies {
		s.Hits += c.tallies[i].fresh.Load()
		s.StaleHits += c.tallies[i].stale.Load()
		s.Misses += c.tallies[i].misses.Load()
	}
	return s
}

// tallies count the lookups, spread by hash so that cores which look up
// different names seldom write to the same cache line.
type tallies [16]tally

type tally struct {
	fresh, stale, misses atomic.Uint64
	_                    [40]byte // to the end of the cache line
}

func (t *tallies) of(hash uint64) *tally { return &t[hash%uint64(len(t))] }
