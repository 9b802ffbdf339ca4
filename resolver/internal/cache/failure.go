package cache

import (
	"time"

	"github.com/miekg/dns"
)

const (
	// A failure is kept for five seconds, the example of RFC 9520, section
	// 3.2, and for twice as long each time it happens again. The RFC allows
	// five minutes; half a minute relieves the upstreams nearly as much and
	// does not make users wait long after recovery.
	minFailure = 5 * time.Second
	maxFailure = 30 * time.Second
	// failureMemory is how long after its expiry a failure still counts as
	// the one before.
	failureMemory = 5 * time.Minute
	// recheckAfter is how long the upstreams are not asked after a failure
	// when there is a stale reply (RFC 8767, section 5).
	recheckAfter = 30 * time.Second
)

// Fail records that the upstreams could not answer a question, with the
// extended errors that describe why, and reports whether it did. It does
// nothing if the cache was flushed since the epoch began in which they were
// asked. What can still be served stays in place, be it a stale reply or an
// earlier failure; only the time of the next recheck is noted then.
func (c *Cache) Fail(k Key, extended []*dns.EDNS0_EDE, asked Epoch, now time.Duration) bool {
	e := newEntry(&k, failureMessage(&k), nil, appendExtended(nil, extended))
	e.failure = true
	hash := k.hash(c.seed)
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked != c.epoch {
		return false
	}
	old := c.table.Load().find(&k, hash)
	switch {
	case old != nil && old.servable(now, c.staleFor()):
		old.recheck.Store(int64(now + recheckAfter))
		return true
	case e.cost() > c.entryLimit():
		return false
	}
	e.life = uint32(nextFailure(old, now) / time.Second)
	e.begin(hash, now)
	c.insert(old, e, now)
	return true
}

// nextFailure is how long a failure is kept, after the one before.
func nextFailure(old *entry, now time.Duration) time.Duration {
	if old == nil || !old.failure || now-old.expires > failureMemory {
		return minFailure
	}
	return min(2*old.lifetime(), maxFailure)
}

// failureMessage is SERVFAIL without records.
func failureMessage(k *Key) []byte {
	message := make([]byte, headerLen, headerLen+len(k.Name)+questionLen)
	message[2] = flagResponse
	message[3] = flagRA | dns.RcodeServerFailure
	message[5] = 1 // question
	return k.appendQuestion(message)
}
