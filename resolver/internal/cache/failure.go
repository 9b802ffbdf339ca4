package cache

import (
	"time"
	"unsafe"

	"github.com/miekg/dns"
)

const (
	// A failure is kept for a second, the least that RFC 9520, section 3.2,
	// allows, and for twice as long each time it happens again. The RFC allows
	// five minutes; half a minute relieves the upstreams nearly as much and
	// does not make users wait long after recovery.
	minFailure = time.Second
	maxFailure = 30 * time.Second
	// failureMemory is how long after its expiry a failure still counts as
	// the one before.
	failureMemory = 5 * time.Minute
	// recheckAfter is how long the upstreams are not asked after a failure
	// when there is a stale reply (RFC 8767, section 5).
	recheckAfter = 30 * time.Second
)

// Failure is that the upstreams could not answer a question.
type Failure struct {
	Rcode    int              // for the client
	Extended []*dns.EDNS0_EDE // why
	// Endless is set if it is as Hit.Endless says.
	Endless bool
	// Brief is set if it is not to be kept for longer when it happens again.
	Brief bool
	// Over reports that the cause has gone: then the failure is forgotten. Nil
	// stands for a cause that nobody sees go. It is called for each hit, and must
	// be quick, and not use the Cache.
	Over func() bool
}

// failed is what an entry knows of a failure.
type failed struct {
	// recheck is when the upstreams may be asked again while there is a stale
	// reply.
	recheck time.Duration
	gone    func() bool // Failure.Over
}

// failedBytes is what it takes up, with its function and what that refers to.
const failedBytes = int64(unsafe.Sizeof(failed{})) + 32

// over reports whether the cause has gone.
func (f *failed) over() bool { return f != nil && f.gone != nil && f.gone() }

// due reports whether the upstreams may be asked although there is a stale
// reply.
func (f *failed) due(now time.Duration) bool { return f == nil || now >= f.recheck || f.over() }

// Fail records a failure, and reports whether it did. It does nothing if the
// cache was flushed since the epoch began in which the upstreams were asked. What
// can still be served stays in place, be it a stale reply or an earlier
// failure; only the time of the next recheck is noted then.
func (c *Cache) Fail(k Key, f Failure, asked Epoch, now time.Duration) bool {
	e := newEntry(&k, failureMessage(&k, f.Rcode), nil, appendExtended(nil, f.Extended))
	if e.traits, e.highCode = failure, uint8(f.Rcode>>4); f.Endless {
		e.traits |= endless
	}
	e.failed.Store(&failed{now + recheckAfter, f.Over})
	hash := k.hash(c.seed)
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked != c.epoch {
		return false
	}
	old := c.table.Load().find(&k, hash)
	switch {
	case old != nil && old.servable(now, c.staleFor()):
		if !old.traits.has(failure) {
			c.blame(old, e.failed.Load())
			c.shrink(now)
		}
		return true
	case e.cost() > c.entryLimit():
		return false
	}
	e.life = uint32(f.life(old, now) / time.Second)
	e.begin(hash, now)
	c.insert(old, e, now)
	return true
}

// blame notes a failure at what is served instead. The caller holds mu.
func (c *Cache) blame(e *entry, f *failed) {
	q := c.queueOf(e)
	q.bytes -= e.cost()
	e.failed.Store(f)
	q.bytes += e.cost()
}

// life is how long a failure is kept, after the entry before.
func (f *Failure) life(old *entry, now time.Duration) time.Duration {
	if f.Brief || old == nil || !old.traits.has(failure) || now-old.expires > failureMemory || old.failed.Load().over() {
		return minFailure
	}
	return min(2*old.lifetime(), maxFailure)
}

// failureMessage is a failure without records.
func failureMessage(k *Key, rcode int) []byte {
	message := make([]byte, headerLen, headerLen+len(k.Name)+questionLen)
	message[2] = flagResponse
	message[3] = flagRA | byte(rcode&0xf)
	message[5] = 1 // question
	return k.appendQuestion(message)
}
