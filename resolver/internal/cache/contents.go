package cache

import (
	"time"
)

// insert puts an entry into the cache, in place of the old one for the same
// question if there is one, and makes room for it. The caller holds mu.
func (c *Cache) insert(old, e *entry, now time.Duration) {
	t := *c.table.Load()
	// First in, then out: a concurrent lookup finds the one or the other.
	t.link(e)
	if old != nil {
		t.unlink(old)
		c.renew(old, e)
	} else {
		c.admit(e)
		c.entries++
	}
	c.insertions++
	c.shrink(now)
}

// shrink evicts entries until the rest is within the limit. The caller holds
// mu.
func (c *Cache) shrink(now time.Duration) {
	for c.bytes() > c.limit {
		e := c.victim(now, c.staleFor())
		c.remember(e)
		c.drop(e)
		c.evictions++
	}
}

// drop takes an entry out. The caller holds mu.
func (c *Cache) drop(e *entry) {
	c.table.Load().unlink(e)
	c.queueOf(e).remove(e)
	c.entries--
}

// Flush empties the cache, and makes it refuse replies to earlier queries. It
// returns how many replies there were.
func (c *Cache) Flush() (dropped int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	c.small, c.main = queue{}, queue{}
	dropped, c.entries = c.entries, 0
	c.resize(len(*c.table.Load()))
	return dropped
}

// FlushName takes out what is kept for a name in the form of Key.Name, of all
// types, and returns how many replies that were. Names below it stay, and so do
// replies to questions for other names that lead to it by an alias. Replies to
// earlier queries are refused as after a Flush. It takes time in proportion to
// the whole cache.
func (c *Cache) FlushName(name []byte) (dropped int) {
	return c.flush(func(e *entry) bool { return string(e.name()) == string(name) })
}

// FlushForeign takes out the replies that have records of other names than the one
// asked for, such as what an alias leads to: for when a name that was an
// upstream's becomes another's. In all else it is as FlushName.
func (c *Cache) FlushForeign() (dropped int) {
	return c.flush(func(e *entry) bool { return e.traits.has(foreign) })
}

func (c *Cache) flush(chosen func(*entry) bool) (dropped int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for _, q := range c.queues() {
		for e := q.oldest; e != nil; {
			newer := e.newer
			if chosen(e) {
				c.drop(e)
				dropped++
			}
			e = newer
		}
	}
	return dropped
}

// entryLimit is what one entry may cost, in bytes. A reply of the largest kinds
// is not worth a large part of a small cache, nor the fragmentation of the
// heap. The caller holds mu.
func (c *Cache) entryLimit() int64 {
	const largest, share = 16 << 10, 64
	return min(largest, c.limit/share)
}
