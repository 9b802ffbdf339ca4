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

func diffBranch[V comparable](before, after *branch[V], yield func(difference[V]) bool) bool {
	switch {
	case before == after:
		return true
	case before != nil && after != nil && before.inner && after.inner:
		for digit := range 1 << digitBits {
			if !diffBranch(before.child(digit), after.child(digit), yield) {
				return false
			}
		}
		return true
	case before == nil || !before.inner:
		return diffBucket(before, after, yield)
	default:
		return diffBucket(after, before, func(d difference[V]) bool {
			return yield(difference[V]{d.key, d.after, d.before, d.hasNow, d.hasBefore})
		})
	}
}

// diffBucket compares a bucket, or nothing, with a branch of any form, as a
// merge of two ordered sequences.
func diffBucket[V comparable](bucket, other *branch[V], yield func(difference[V]) bool) bool {
	var left []slot[V]
	if bucket != nil {
		left = bucket.bucket
	}
	only := func(s slot[V]) difference[V] {
		return difference[V]{key: s.key, before: s.value, hasBefore: true}
	}
	done := other.walk(func(k key, v V) bool {
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
