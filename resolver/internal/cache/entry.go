package cache

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"
)

// entry is a reply that is kept.
type entry struct {
	hash uint64
	// data is the message in wire form, the offsets of its TTLs, two octets
	// each, and the extended errors as EDNS options. The name in its question
	// is in lower case; its TTLs are those at arrival.
	data    []byte
	expires time.Duration
	// failed is the last failure to get a better reply or, of a failure, its
	// cause; nil: none that matters. It is replaced under the Cache's lock.
	failed atomic.Pointer[failed]

	next         atomic.Pointer[entry] // in the table's chain
	newer, older *entry                // in the queue

	life       uint32 // seconds from arrival to expiry
	hits       atomic.Int32
	prefetched atomic.Bool

	qtype    uint16
	ttls     uint16 // how many there are
	extended uint16 // octets of the extended errors
	nameLen  uint8
	keyBits  uint8
	highCode uint8 // the bits of the RCODE for which the header has no room
	traits   Traits
	inMain   bool
}

// Traits are what distinguishes a reply from an ordinary answer.
type Traits uint8

const (
	// Open is a reply that ends with an alias, as Hit.Open says. It is kept for as
	// long as its aliases.
	Open Traits = 1 << iota
	// Provisional is a reply that a better one is expected to replace. It is kept
	// for five seconds at most, never stale, and not in place of what is fresh.
	Provisional

	failure // of the upstreams
	endless // a failure, as Hit.Endless says
	foreign // has records of other names
)

func (t Traits) has(one Traits) bool { return t&one != 0 }

// entryBytes is what an entry takes up without its data.
const entryBytes = int64(unsafe.Sizeof(entry{}))

// fullHits is where an entry stops counting: enough to call it popular.
const fullHits = 3

// allocate makes an entry with room for its data. For most replies that is
// right behind the entry: this saves a hit that is not in the processor's cache
// one cache miss, and few sizes mean little fragmentation. With the entry each
// fills a size class of the allocator.
func allocate(n int) *entry {
	switch {
	case n <= 64:
		e := new(struct {
			entry
			room [64]byte
		})
		e.data = e.room[:0]
		return &e.entry
	case n <= 160:
		e := new(struct {
			entry
			room [160]byte
		})
		e.data = e.room[:0]
		return &e.entry
	case n <= 288:
		e := new(struct {
			entry
			room [288]byte
		})
		e.data = e.room[:0]
		return &e.entry
	}
	return &entry{data: slices.Grow([]byte(nil), n)}
}

// cost is what an entry takes up. The capacity of its data is all that the
// allocator gave for it, rounding included.
func (e *entry) cost() int64 {
	n := entryBytes + int64(cap(e.data))
	if e.failed.Load() != nil {
		n += failedBytes
	}
	return n
}

// is reports whether an entry is the one for a key with this hash.
func (e *entry) is(k *Key, hash uint64) bool {
	return e.hash == hash && e.qtype == k.Type && e.keyBits == k.bits() && string(e.name()) == string(k.Name)
}

func (e *entry) name() []byte { return e.data[headerLen : headerLen+int(e.nameLen)] }

// message is the reply.
func (e *entry) message() []byte { return e.data[:len(e.data)-int(e.extended)-2*int(e.ttls)] }

// ttlAt is where in the message the TTL of record i is.
func (e *entry) ttlAt(i int) int {
	return int(binary.BigEndian.Uint16(e.data[len(e.message())+2*i:]))
}

// options are the extended errors.
func (e *entry) options() []byte { return e.data[len(e.data)-int(e.extended):] }

// lifetime is the time from arrival to expiry.
func (e *entry) lifetime() time.Duration { return time.Duration(e.life) * time.Second }

// begin completes an entry, just before it is put in.
func (e *entry) begin(hash uint64, now time.Duration) {
	e.hash = hash
	e.expires = now + e.lifetime()
}

// elapsed is the age in whole seconds, by which TTLs are counted down. A caller
// that read the clock just before the entry came sees it as new.
func (e *entry) elapsed(now time.Duration) uint32 {
	return uint32(max(0, now-e.expires+e.lifetime()) / time.Second)
}

// servable reports whether the entry may be served, fresh or for that long
// after its expiry. A failure is never served stale (RFC 8767, section 5), nor
// once its cause has gone.
func (e *entry) servable(now, stale time.Duration) bool {
	if now >= e.expires {
		return !e.traits.has(failure|Provisional) && now-e.expires < stale
	}
	return !e.traits.has(failure) || !e.failed.Load().over()
}

// answers reports whether there is an answer that is still fresh.
func (e *entry) answers(now time.Duration) bool {
	return e != nil && !e.traits.has(failure) && now < e.expires
}

// touch counts a hit, and reports whether the entry is popular. Entries that
// are full are not written to: their cache line stays shared between cores.
func (e *entry) touch() (popular bool) {
	if e.hits.Load() >= fullHits {
		return true
	}
	e.hits.Add(1)
	return false
}
