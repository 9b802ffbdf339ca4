package zone

import "iter"

// trie is a persistent map in key order: a change copies the path to what it
// changes, a few small pages, and shares all the rest with the trie before.
// Its depth is bounded by the key's 32 digits, whatever keys are chosen.
//
// It is built for the cache misses of a lookup in a large zone, since these are
// what a lookup costs. The pages above a bucket are few enough to stay near
// the processor, and a bucket begins in the page above it, so that its slots
// are the one place in memory that is far.
//
// The zero trie is empty. A trie is a value; copies are independent.
type trie[V comparable] struct {
	root branch[V]
	size int
}

// branch is what a trie has below some first digits of its keys. For each
// value of the digit that comes next there is a branch, or a bucket, or
// neither. The zero branch is empty.
type branch[V comparable] struct {
	branches *branches[V]
	buckets  *buckets[V]
}

// branches is a page of branches by their digit.
type branches[V comparable] struct {
	owner *edit
	at    [fanout]branch[V]
}

// buckets is a page of buckets by their digit.
type buckets[V comparable] struct {
	owner *edit
	mine  uint16 // the buckets whose slots the owner has made too
	at    [fanout]bucket[V]
}

// A digit of the key selects one child of a branch. Pages of 16 are small
// enough to copy, four of them at a million nodes.
const (
	digitBits = 4
	fanout    = 1 << digitBits
)

// digit is the key's digit at a depth of the trie, 0 being the first.
func (k key) digit(depth int) int {
	return int(k.beyond(digitBits*depth).hi >> (64 - digitBits))
}

// edit is the identity of one batch of changes: pages made by the batch may be
// changed in place until it ends, since no reader has seen them.
type edit struct{ _ byte }

// get is the value of k. It allocates nothing.
func (t *trie[V]) get(k key) (value V, ok bool) {
	if found := t.find(k); found != nil {
		return found.value, true
	}
	return value, false
}

// find returns the slot of k, which must not be changed, or nil.
func (t *trie[V]) find(k key) *slot[V] {
	for b, rest := &t.root, k; ; {
		digit := rest.hi >> (64 - digitBits)
		rest = rest.beyond(digitBits)
		if b.buckets != nil {
			if there := b.buckets.at[digit]; there != nil {
				if i, ok := there.find(k, rest.hi); ok {
					return &there[i]
				}
				return nil
			}
		}
		if b.branches == nil {
			return nil
		}
		b = &b.branches.at[digit]
	}
}

// beginning returns a slot whose key has an upper half, or nil. It is find for a
// key of which no more is known, and finds nothing where so many begin alike that
// the lower half divides them.
func (t *trie[V]) beginning(hi uint64) *slot[V] {
	b, rest := &t.root, hi
	for range 64 / digitBits {
		digit := rest >> (64 - digitBits)
		rest <<= digitBits
		if b.buckets != nil {
			if there := b.buckets.at[digit]; there != nil {
				i := there.near(hi, rest)
				if i < len(there) && there[i].key.hi == hi {
					return &there[i]
				}
				if i, _ = there.find(key{hi: hi}, rest); i < len(there) && there[i].key.hi == hi {
					return &there[i]
				}
				return nil
			}
		}
		if b.branches == nil {
			return nil
		}
		b = &b.branches.at[digit]
	}
	return nil
}

// set returns t with k at value.
func (t trie[V]) set(e *edit, k key, value V) trie[V] {
	if t.root.set(e, slot[V]{k, value}, 0) {
		t.size++
	}
	return t
}

// remove returns t without k.
func (t trie[V]) remove(e *edit, k key) trie[V] {
	if t.find(k) == nil {
		return t
	}
	t.root.remove(e, k, 0)
	t.size--
	return t
}

// slots yields the slots in key order. They must not be changed.
func (t trie[V]) slots(yield func(*slot[V]) bool) { t.root.walk(yield) }

// all yields what is in the slots, in key order.
func (t trie[V]) all() iter.Seq2[key, V] {
	return func(yield func(key, V) bool) {
		t.slots(func(s *slot[V]) bool { return yield(s.key, s.value) })
	}
}

// from is slots without those before k.
func (t trie[V]) from(k key) iter.Seq[*slot[V]] {
	return func(yield func(*slot[V]) bool) { t.root.walkFrom(k, 0, yield) }
}

// first is the smallest key.
func (t trie[V]) first() (k key, ok bool) {
	for k := range t.all() {
		return k, true
	}
	return k, false
}
