package cache

import (
	"math/bits"
	"sync/atomic"
)

// table finds entries by hash. Lookups follow a chain without a lock; changes
// of a chain are made under the Cache's.
//
// An entry that is taken out keeps its link, so that a lookup that is at it
// reaches the rest of the chain.
type table []atomic.Pointer[entry]

const (
	// bucketBytes is how much of the size has one chain: about the cost of a
	// small reply, so that chains have one entry or two.
	bucketBytes = 256
	// chainBytes is what the head of a chain takes up.
	chainBytes = 8
)

// chain is the head of the chain for a hash.
func (t table) chain(hash uint64) *atomic.Pointer[entry] {
	return &t[index(hash, len(t))]
}

// index maps a hash to one of n places, by its upper bits.
func index(hash uint64, n int) uint64 {
	hi, _ := bits.Mul64(hash, uint64(n))
	return hi
}

// find returns the entry for a key, or nil.
func (t table) find(k *Key, hash uint64) *entry {
	e := t.chain(hash).Load()
	for e != nil && !e.is(k, hash) {
		e = e.next.Load()
	}
	return e
}

// link adds an entry.
func (t table) link(e *entry) {
	head := t.chain(e.hash)
	e.next.Store(head.Load())
	head.Store(e)
}

// unlink takes out an entry that is in the table.
func (t table) unlink(e *entry) {
	at := t.chain(e.hash)
	for at.Load() != e {
		at = &at.Load().next
	}
	at.Store(e.next.Load())
}
