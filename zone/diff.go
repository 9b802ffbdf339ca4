package zone

// difference is one key at which two tries differ. A zero value with its
// "has" flag unset stands for a key that one of them lacks.
type difference[V comparable] struct {
	key               key
	before, after     V
	hasBefore, hasNow bool
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
			return yield(difference[V]{d.key, d.after, d.before, d.hasNow, d.hasBefore})
		})
	case was.empty() && !is.empty():
		return diffBucket(before.bucket(digit), is.walk, yield)
	}
	left, right := before.bucket(digit), after.bucket(digit)
	return left.same(right) || diffBucket(left, right.walk, yield)
}

// diffBucket compares a bucket with the slots that a walk yields, as a merge
// of two ordered sequences.
func diffBucket[V comparable](left bucket[V], walk func(func(key, V) bool) bool, yield func(difference[V]) bool) bool {
	only := func(s slot[V]) difference[V] {
		return difference[V]{key: s.key, before: s.value, hasBefore: true}
	}
	done := walk(func(k key, v V) bool {
		for len(left) > 0 && compareKeys(left[0].key, k) < 0 {
			if !yield(only(left[0])) {
				return false
			}
			left = left[1:]
		}
		if len(left) == 0 || left[0].key != k {
			return yield(difference[V]{key: k, after: v, hasNow: true})
		}
		was := left[0].value
		left = left[1:]
		return was == v || yield(difference[V]{k, was, v, true, true})
	})
	for done && len(left) > 0 {
		done = yield(only(left[0]))
		left = left[1:]
	}
	return done
}
