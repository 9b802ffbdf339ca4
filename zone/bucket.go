package zone

import (
	"math/bits"
	"slices"
)

// slot is one entry. With a V free of pointers a bucket of slots is memory that
// the garbage collector never looks into, which is what keeps a million nodes
// cheap.
type slot[V comparable] struct {
	key   key
	value V
}

// bucket holds at most maxBucket slots in key order. One without any is nil.
type bucket[V comparable] []slot[V]

// maxBucket is where a bucket is split: small enough to copy, large enough to
// keep the pages above it few.
const maxBucket = 48

// window is how many slots around the expected one find compares at once.
// The expectation is usually off by two slots, and rarely by more than four.
const window = 8

// find is where k is in the bucket, or would be. The rest is that of near.
func (b bucket[V]) find(k key, rest uint64) (int, bool) {
	i := b.near(k.hi, rest)
	if i < len(b) && b[i].key == k {
		return i, true
	}
	for i > 0 && compareKeys(b[i-1].key, k) >= 0 {
		i--
	}
	for i < len(b) && compareKeys(b[i].key, k) < 0 {
		i++
	}
	return i, i < len(b) && b[i].key == k
}

// near is about where a key is whose upper half is hi. Keys are usually spread
// evenly, so the bits that come next in it, the rest, give the approximate
// place. The slots around it are compared without a branch that depends on
// them: a processor then fetches their cache lines at the same time.
func (b bucket[V]) near(hi, rest uint64) int {
	i := int(rest >> 48 * uint64(len(b)) >> 16)
	if len(b) >= window {
		i = min(max(i-window/2, 0), len(b)-window)
		near := (*[window]slot[V])(b[i:])
		for j := range near {
			_, less := bits.Sub64(near[j].key.hi, hi, 0)
			i += int(less)
		}
	}
	return i
}

// with returns the bucket with one more slot at i, made in place where there is
// room and the bucket is the caller's own. One that was the caller's own before
// gets some room for more, since its batch will likely add them; doubling would
// leave half of a large zone empty.
func (b bucket[V]) with(i int, s slot[V], own bool) bucket[V] {
	if own && len(b) < cap(b) {
		return slices.Insert(b, i, s)
	}
	size, room := len(b)+1, len(b)+1
	if own {
		room += size / 4
	}
	grown := make(bucket[V], size, room)
	copy(grown, b[:i])
	grown[i] = s
	copy(grown[i+1:], b[i:])
	return grown
}

// without returns a copy of the bucket that lacks the slot at i.
func (b bucket[V]) without(i int) bucket[V] {
	if len(b) == 1 {
		return nil
	}
	rest := make(bucket[V], len(b)-1)
	copy(rest, b[:i])
	copy(rest[i:], b[i+1:])
	return rest
}

// same reports whether two buckets share their memory. Since a published bucket
// is never changed, they are then equal.
func (b bucket[V]) same(other bucket[V]) bool {
	return len(b) == len(other) && (len(b) == 0 || &b[0] == &other[0])
}

// walk yields the slots in key order and reports whether it came to the end.
func (b bucket[V]) walk(yield func(*slot[V]) bool) bool {
	for i := range b {
		if !yield(&b[i]) {
			return false
		}
	}
	return true
}
