package cache

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// Cache keeps replies. Use New to make one.
type Cache struct {
	seed       maphash.Seed
	table      atomic.Pointer[table]
	serveStale atomic.Int64 // nanoseconds
	tallies    tallies

	mu sync.Mutex // of all below, and of changes to the table
	standing
	limit      int64 // of the entries, in bytes
	epoch      Epoch
	entries    int
	insertions uint64
	evictions  uint64
}

// Epoch numbers the periods between flushes.
type Epoch uint64

// prefetchShare is the last part of an entry's life, in which it may be
// prefetched: 1/prefetchShare.
const prefetchShare = 10

// Get returns what is kept for a question, fresh or stale. It takes no lock
// and allocates nothing.
func (c *Cache) Get(k Key, now time.Duration) (Hit, bool) {
	hash := k.hash(c.seed)
	counts := c.tallies.of(hash)
	e := c.table.Load().find(&k, hash)
	if e == nil || !e.servable(now, c.staleFor()) {
		counts.misses.Add(1)
		return Hit{}, false
	}
	h := Hit{
		Failure: e.traits.has(failure), Endless: e.traits.has(endless), Stale: now >= e.expires, Open: e.traits.has(Open),
		entry: e, elapsed: e.elapsed(now),
	}
	popular := e.touch()
	if h.Stale {
		counts.stale.Add(1)
		h.Recheck = e.failed.Load().due(now)
		return h, true
	}
	counts.fresh.Add(1)
	late := e.expires-now <= e.lifetime()/prefetchShare
	h.Prefetch = popular && late && !e.traits.has(failure) && e.prefetched.CompareAndSwap(false, true)
	return h, true
}

// Epoch is the current one. A caller reads it before it asks an upstream, and
// passes it to Put with the reply.
func (c *Cache) Epoch() Epoch {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// Put keeps an upstream's answer to a question, if it is one that may be kept,
// and reports whether it did. It does nothing if there was a flush since the
// epoch in which the upstream was asked. The reply is not changed, and the
// caller may change it afterwards.
//
// All sections of the reply are kept, and its AD bit: a caller that does not
// trust the upstream clears it before. Of its OPT only the extended errors
// stay. A reply that answers the question and must not be kept, for example
// since its TTL is 0, removes what was kept before. To a question with options an
// answer is not kept. Whether a reply is an answer the caller knows: one that is
// none is for Fail.
func (c *Cache) Put(k Key, reply *dns.Msg, traits Traits, asked Epoch, now time.Duration) bool {
	if !k.answeredBy(reply) || reply.Truncated || len(k.Options) > 0 {
		return false
	}
	e := encode(&k, reply, traits)
	hash := k.hash(c.seed)
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked != c.epoch {
		return false
	}
	old := c.table.Load().find(&k, hash)
	if traits.has(Provisional) && old.answers(now) {
		return false
	}
	if e == nil || e.cost() > c.entryLimit() {
		if old != nil {
			c.drop(old)
		}
		return false
	}
	e.begin(hash, now)
	c.insert(old, e, now)
	return true
}

// staleFor is how long after its expiry a reply may be served.
func (c *Cache) staleFor() time.Duration { return time.Duration(c.serveStale.Load()) }
