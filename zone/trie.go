package zone

import (
	"iter"
	"math/bits"
	"slices"
)

// trie is a persistent map in key order: a change copies the path to what it
// changes, a few small nodes, and shares all the rest with the trie before.
// Its depth is bounded by the key's 26 digits, whatever keys are chosen.
//
// The zero trie is empty. A trie is a value; copies are independent.
type trie[V comparable] struct {
	root *branch[V]
	size int
}

// slot is one entry. With a V free of pointers a bucket of slots is memory that
// the garbage collector never looks into, which is what keeps a million nodes
// cheap.
type slot[V comparable] struct {
	key   key
	value V
}

// branch is either inner, with children, or a bucket of at most maxBucket
// slots in key order.
type branch[V comparable] struct {
	owner  *edit
	used   uint32 // which of the 32 children there are
	inner  bool
	kids   []*branch[V] // the children there are, in order
	bucket []slot[V]
}

// maxBucket is where a bucket splits: small enough to copy, large enough to
// keep the nodes above it few.
const maxBucket = 64

// digitBits is how many bits of the key tell one child of a branch from
// another.
const digitBits = 5

// digit is the key's digit at a depth of the trie, 0 being the first.
func (k key) digit(depth int) int { return int(k.from(digitBits*depth) >> (64 - digitBits)) }

// edit is the identity of one batch of changes: branches made by the batch may
// be changed in place until it ends, since nobody else has seen them.
type edit struct{ _ byte }

// get finds the value of k. It allocates nothing.
func (t trie[V]) get(k key) (value V, ok bool) {
	b, depth := t.root, 0
	for ; b != nil && b.inner; depth++ {
		b = b.child(k.digit(depth))
	}
	if b == nil {
		return value, false
	}
	i, ok := b.find(k, depth)
	if !ok {
		return value, false
	}
	return b.bucket[i].value, true
}

// set returns t with k at value.
func (t trie[V]) set(e *edit, k key, value V) trie[V] {
	root, added := t.root.set(e, slot[V]{k, value}, 0)
	if added {
		t.size++
	}
	t.root = root
	return t
}

// remove returns t without k.
func (t trie[V]) remove(e *edit, k key) trie[V] {
	if _, ok := t.get(k); !ok {
		return t
	}
	t.root = t.root.remove(e, k, 0)
	t.size--
	return t
}

// all yields the slots in key order.
func (t trie[V]) all() iter.Seq2[key, V] {
	return func(yield func(key, V) bool) { t.root.walk(yield) }
}

// first is the smallest key.
func (t trie[V]) first() (k key, ok bool) {
	for k := range t.all() {
		return k, true
	}
	return k, false
}

func (b *branch[V]) child(digit int) *branch[V] {
	if b.used&(1<<digit) == 0 {
		return nil
	}
	return b.kids[b.index(digit)]
}

// index is where the child of a digit is, or would be, among the kids.
func (b *branch[V]) index(digit int) int {
	return bits.OnesCount32(b.used & (1<<digit - 1))
}

// find is where k is in the bucket, or would be. Keys are spread evenly as a
// rule, so the digits that come next tell about where to look; a binary search
// would touch three cache lines to find what this finds in one.
func (b *branch[V]) find(k key, depth int) (int, bool) {
	next16 := int(k.from(digitBits*depth) >> 48)
	i := next16 * len(b.bucket) >> 16
	for i > 0 && compareKeys(b.bucket[i].key, k) > 0 {
		i--
	}
	for i < len(b.bucket) && compareKeys(b.bucket[i].key, k) < 0 {
		i++
	}
	return i, i < len(b.bucket) && b.bucket[i].key == k
}

// owned returns b itself where the batch made it, else a copy that it owns.
func (b *branch[V]) owned(e *edit) *branch[V] {
	if b.owner == e {
		return b
	}
	fresh := *b
	fresh.owner = e
	fresh.kids = slices.Clone(b.kids)
	fresh.bucket = slices.Clone(b.bucket)
	return &fresh
}

func (b *branch[V]) set(e *edit, s slot[V], depth int) (_ *branch[V], added bool) {
	if b == nil {
		return &branch[V]{owner: e, bucket: []slot[V]{s}}, true
	}
	if !b.inner {
		return b.setInBucket(e, s, depth)
	}
	digit := s.key.digit(depth)
	kid, added := b.child(digit).set(e, s, depth+1)
	b = b.owned(e)
	b.put(digit, kid)
	return b, added
}

func (b *branch[V]) setInBucket(e *edit, s slot[V], depth int) (*branch[V], bool) {
	i, found := b.find(s.key, depth)
	if found {
		b = b.owned(e)
		b.bucket[i] = s
		return b, false
	}
	if len(b.bucket) == maxBucket {
		return b.split(e, depth).set(e, s, depth)
	}
	if b.owner == e && len(b.bucket) < cap(b.bucket) {
		b.bucket = slices.Insert(b.bucket, i, s)
		return b, true
	}
	bucket := b.grown(e)
	copy(bucket, b.bucket[:i])
	bucket[i] = s
	copy(bucket[i+1:], b.bucket[i:])
	return &branch[V]{owner: e, bucket: bucket}, true
}

// grown returns an empty bucket of one slot more. A batch that has grown this
// one before gets some room, since it will likely do so again; doubling would
// leave half of a large zone empty.
func (b *branch[V]) grown(e *edit) []slot[V] {
	size, room := len(b.bucket)+1, len(b.bucket)+1
	if b.owner == e {
		room += size / 4
	}
	return make([]slot[V], size, room)
}

// split turns a bucket into an inner branch over smaller ones.
func (b *branch[V]) split(e *edit, depth int) *branch[V] {
	inner := &branch[V]{owner: e, inner: true}
	for from := 0; from < len(b.bucket); {
		digit, to := b.bucket[from].key.digit(depth), from+1
		for to < len(b.bucket) && b.bucket[to].key.digit(depth) == digit {
			to++
		}
		inner.put(digit, &branch[V]{owner: e, bucket: slices.Clone(b.bucket[from:to])})
		from = to
	}
	return inner
}

// put sets, or with nil removes, the child of a digit.
func (b *branch[V]) put(digit int, kid *branch[V]) {
	i, bit := b.index(digit), uint32(1)<<digit
	switch there := b.used&bit != 0; {
	case there && kid == nil:
		b.kids = slices.Delete(b.kids, i, i+1)
		b.used &^= bit
	case there:
		b.kids[i] = kid
	case kid != nil:
		b.kids = slices.Insert(b.kids, i, kid)
		b.used |= bit
	}
}

// remove takes out a key that is there. A branch left empty vanishes, and one
// left with a single bucket becomes that bucket.
func (b *branch[V]) remove(e *edit, k key, depth int) *branch[V] {
	b = b.owned(e)
	if !b.inner {
		i, _ := b.find(k, depth)
		b.bucket = slices.Delete(b.bucket, i, i+1)
		if len(b.bucket) == 0 {
			return nil
		}
		return b
	}
	digit := k.digit(depth)
	b.put(digit, b.child(digit).remove(e, k, depth+1))
	switch {
	case len(b.kids) == 0:
		return nil
	case len(b.kids) == 1 && !b.kids[0].inner:
		return b.kids[0]
	}
	return b
}

// walk yields the slots in key order and reports whether it came to the end.
func (b *branch[V]) walk(yield func(key, V) bool) bool {
	if b == nil {
		return true
	}
	for i := range b.bucket {
		if !yield(b.bucket[i].key, b.bucket[i].value) {
			return false
		}
	}
	for _, kid := range b.kids {
		if !kid.walk(yield) {
			return false
		}
	}
	return true
}
