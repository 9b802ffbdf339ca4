package cache

import (
	"hash/maphash"
	"time"
)

// Config of a Cache.
type Config struct {
	// Size in bytes, of real memory. Half of it is for what is kept, the
	// table included, since the collector lets the heap double by default
	// before it frees what was given up. Holes in the heap come on top where
	// the replies' sizes vary: with everyday ones it peaks at 1.2 times the
	// size, in a flood of huge ones at about 1.6 times, and what is left after
	// a collection is less than the size in both. Too small a size, 0 say,
	// keeps nothing.
	Size int64
	// ServeStale is how long after its expiry a reply may still be served
	// (RFC 8767); 0 for never.
	ServeStale time.Duration
}

// New returns an empty Cache.
func New(config Config) *Cache {
	c := &Cache{seed: maphash.MakeSeed()}
	c.SetConfig(config)
	return c
}

// SetConfig changes the configuration. What is kept stays, as far as there is
// room for it.
func (c *Cache) SetConfig(config Config) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serveStale.Store(int64(config.ServeStale))
	room := max(config.Size, 0) / 2
	chains := int(max(1, room/bucketBytes))
	c.limit = max(0, room-int64(chains)*(chainBytes+ghostBytes))
	if old := c.table.Load(); old == nil || len(*old) != chains {
		c.resize(chains)
	}
	c.shrink(0) // not knowing the time, it takes all for fresh
}

// resize gives the table another number of chains. Who is looking for an entry
// meanwhile may be led into a chain of the new table, and miss it: that costs a
// query to an upstream, and no lock. The caller holds mu.
func (c *Cache) resize(chains int) {
	t := make(table, chains)
	for _, q := range c.queues() {
		for e := q.oldest; e != nil; e = e.newer {
			t.link(e)
		}
	}
	c.table.Store(&t)
	c.ghosts = make([]uint32, chains)
}
