package zone

// difference is one key at which two tries differ: what each has there, nil for
// one that lacks it.
type difference[V comparable] struct {
	before, after *slot[V]
}

func (d difference[V]) key() key {
	if d.before != nil {
		return d.before.key
	}
	return d.after.key
}

// diff yields what differs between two tries, in key order. Parts that the two
// share are skipped whole, so the cost goes with the number of changes.
func diff[V comparable](before, after trie[V], yield func(difference[V]) bool) {
	diffBranch(before.root, after.root, yield)
}

func diffBranch[V comparable](before, after branch[V], yield func(difference[V]) bool) bool {
	if before == after {
		return true
	}
	for digit := range fanout {
		if !diffDigit(before, after, digit, yield) {
			return false
		}
	}
	return true
}

// diffDigit compares what two branches have for one digit: either may have a
// branch, or a bucket, or nothing, which is as an empty bucket.
func diffDigit[V comparable](before, after branch[V], digit int, yield func(difference[V]) bool) bool {
	was, is := before.branch(digit), after.branch(digit)
	switch {
	case !was.empty() && !is.empty():
		return diffBranch(was, is, yield)
	case is.empty() && !was.empty():
		return diffBucket(after.bucket(digit), was.walk, func(d difference[V]) bool {
			return yield(difference[V]{before: d.after, after: d.before})
		})
	case was.empty() && !is.empty():
		return diffBucket(before.bucket(digit), is.walk, yield)
	}
	left, right := before.bucket(digit), after.bucket(digit)
	return left.same(right) || diffBucket(left, right.walk, yield)
}

// diffBucket compares a bucket with the slots that a walk yields, as a merge
// of two ordered sequences.
func diffBucket[V comparable](left bucket[V], walk func(func(*slot[V]) bool) bool, yield func(difference[V]) bool) bool {
	done := walk(func(is *slot[V]) bool {
		for len(left) > 0 && compareKeys(left[0].key, is.key) < 0 {
			if !yield(difference[V]{before: &left[0]}) {
				return false
			}
			left = left[1:]
		}
		if len(left) == 0 || left[0].key != is.key {
			return yield(difference[V]{after: is})
		}
		was := &left[0]
		left = left[1:]
		return was.value == is.value || yield(difference[V]{was, is})
	})
	for done && len(left) > 0 {
		done = yield(difference[V]{before: &left[0]})
		left = left[1:]
	}
	return done
}
