package zone

import "iter"

// from yields the slots in key order, beginning with the first one that is not
// before k.
func (t trie[V]) from(k key) iter.Seq2[key, V] {
	return func(yield func(key, V) bool) { t.root.walkFrom(k, 0, yield) }
}

// walkFrom is walk without what comes before k.
func (b *branch[V]) walkFrom(k key, depth int, yield func(key, V) bool) bool {
	if b == nil {
		return true
	}
	if !b.inner {
		i, _ := b.find(k, depth)
		for _, s := range b.bucket[i:] {
			if !yield(s.key, s.value) {
				return false
			}
		}
		return true
	}
	if !b.child(k.digit(depth)).walkFrom(k, depth+1, yield) {
		return false
	}
	for digit := k.digit(depth) + 1; digit < 1<<digitBits; digit++ {
		if !b.child(digit).walk(yield) {
			return false
		}
	}
	return true
}
