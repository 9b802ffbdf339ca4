package zone

import "slices"

// bucket is the bucket of a digit, nil where there is none.
func (b *branch[V]) bucket(digit int) bucket[V] {
	if b.buckets == nil {
		return nil
	}
	return b.buckets.at[digit]
}

// branch is the branch of a digit, empty where there is none.
func (b *branch[V]) branch(digit int) branch[V] {
	if b.branches == nil {
		return branch[V]{}
	}
	return b.branches.at[digit]
}

func (b *branch[V]) empty() bool { return *b == branch[V]{} }

// set puts a slot into the branch and reports whether its key is new.
func (b *branch[V]) set(e *edit, s slot[V], depth int) (added bool) {
	digit := s.key.digit(depth)
	if kid := b.branch(digit); !kid.empty() {
		added = kid.set(e, s, depth+1)
		b.putBranch(e, digit, kid)
		return added
	}
	there := b.bucket(digit)
	i, found := there.find(s.key, s.key.beyond(digitBits*(depth+1)).hi)
	if !found && len(there) == maxBucket {
		kid := split(e, there, depth+1)
		kid.set(e, s, depth+1)
		b.putBucket(e, digit, nil)
		b.putBranch(e, digit, kid)
		return true
	}
	own := b.ownsBucket(e, digit)
	switch {
	case !found:
		there = there.with(i, s, own)
	case own:
		there[i] = s
	default:
		there = slices.Clone(there)
		there[i] = s
	}
	b.putBucket(e, digit, there)
	return !found
}

// split distributes the slots of a bucket over a branch of smaller ones.
func split[V comparable](e *edit, b bucket[V], depth int) (result branch[V]) {
	for from := 0; from < len(b); {
		digit, to := b[from].key.digit(depth), from+1
		for to < len(b) && b[to].key.digit(depth) == digit {
			to++
		}
		result.putBucket(e, digit, slices.Clone(b[from:to]))
		from = to
	}
	return result
}

// remove takes out a key that is there.
func (b *branch[V]) remove(e *edit, k key, depth int) {
	digit := k.digit(depth)
	if kid := b.branch(digit); !kid.empty() {
		kid.remove(e, k, depth+1)
		if folded, ok := kid.folded(); ok {
			b.putBucket(e, digit, folded)
			kid = branch[V]{}
		}
		b.putBranch(e, digit, kid)
		return
	}
	there := b.bucket(digit)
	i, _ := there.find(k, k.beyond(digitBits*(depth+1)).hi)
	b.putBucket(e, digit, there.without(i))
}

// folded is the one bucket that a branch has become small enough for. It is
// half full at the most, or the next addition would split it again.
func (b *branch[V]) folded() (all bucket[V], ok bool) {
	if b.branches != nil {
		return nil, false
	}
	size := 0
	for _, bucket := range b.buckets.at {
		size += len(bucket)
	}
	if size > maxBucket/2 {
		return nil, false
	}
	all = make(bucket[V], 0, size)
	for _, bucket := range b.buckets.at {
		all = append(all, bucket...)
	}
	return all, true
}

// ownsBucket reports whether the batch has made the bucket of a digit, so that
// it may change its slots in place.
func (b *branch[V]) ownsBucket(e *edit, digit int) bool {
	return b.buckets != nil && b.buckets.owner == e && b.buckets.mine&(1<<digit) != 0
}

// putBucket sets, or with nil removes, the bucket of a digit, which the batch
// must have made. A page is copied unless the batch owns it, and one without
// buckets is dropped.
func (b *branch[V]) putBucket(e *edit, digit int, slots bucket[V]) {
	switch {
	case b.buckets == nil:
		b.buckets = &buckets[V]{owner: e}
	case b.buckets.owner != e:
		b.buckets = &buckets[V]{owner: e, at: b.buckets.at}
	}
	b.buckets.at[digit] = slots
	b.buckets.mine |= 1 << digit
	if slots == nil && b.buckets.empty() {
		b.buckets = nil
	}
}

func (p *buckets[V]) empty() bool {
	for _, bucket := range p.at {
		if bucket != nil {
			return false
		}
	}
	return true
}

// putBranch sets, or with an empty one removes, the branch of a digit, as
// putBucket does for buckets.
func (b *branch[V]) putBranch(e *edit, digit int, kid branch[V]) {
	switch {
	case b.branches == nil:
		b.branches = &branches[V]{owner: e}
	case b.branches.owner != e:
		b.branches = &branches[V]{owner: e, at: b.branches.at}
	}
	b.branches.at[digit] = kid
	if kid.empty() && b.branches.at == [fanout]branch[V]{} {
		b.branches = nil
	}
}

// walk yields the slots in key order and reports whether it came to the end.
// With a pointer receiver each branch on the way would escape to the heap.
func (b branch[V]) walk(yield func(*slot[V]) bool) bool { return b.walkAfter(-1, yield) }

// walkAfter is walk of the digits after one.
func (b branch[V]) walkAfter(digit int, yield func(*slot[V]) bool) bool {
	for digit++; digit < fanout; digit++ {
		if !b.bucket(digit).walk(yield) {
			return false
		}
		if kid := b.branch(digit); !kid.empty() && !kid.walk(yield) {
			return false
		}
	}
	return true
}

// walkFrom is walk without what comes before k.
func (b branch[V]) walkFrom(k key, depth int, yield func(*slot[V]) bool) bool {
	digit := k.digit(depth)
	there := b.bucket(digit)
	i, _ := there.find(k, k.beyond(digitBits*(depth+1)).hi)
	if !there[i:].walk(yield) {
		return false
	}
	if kid := b.branch(digit); !kid.empty() && !kid.walkFrom(k, depth+1, yield) {
		return false
	}
	return b.walkAfter(digit, yield)
}
