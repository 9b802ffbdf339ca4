package cache

import (
	"hash/maphash"
	"time"
)

// Config of a Cache.
type Config struct {
	// Size in bytes, of real memory. Two fifths of it are for what is kept, the
	// table included, since the collector lets the heap double by default
	// before it frees what was evicted, and fragmentation is added where the
	// replies' sizes vary. After a collection less than the size is in use. Before
	// it the process takes up to 1.4 times the size with everyday replies, however
	// fast they come, and up to 1.7 times in a flood of huge ones. Too small a
	// size, such as 0, keeps nothing.
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
	room := max(config.Size, 0) / 5 * 2
	chains := int(max(1, room/bucketBytes))
	c.limit = max(0, room-int64(chains)*(chainBytes+ghostBytes))
	if old := c.table.Load(); old == nil || len(*old) != chains {
		c.resize(chains)
	}
	c.shrink(0) // without the time, it treats all as fresh
}

// resize gives the table another number of chains. A concurrent lookup may
// follow a chain of the new table, and miss an entry: that costs a query to an
// upstream, and no lock. The caller holds mu.
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
