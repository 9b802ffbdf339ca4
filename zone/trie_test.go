package zone

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// randomKey draws keys that often share long beginnings, as hostile ones would.
func randomKey(r *rand.Rand) (k key) {
	if r.IntN(2) == 0 {
		return key{r.Uint64(), r.Uint64()}
	}
	if bit := r.IntN(128); bit < 64 {
		k.hi = 1 << bit
	} else {
		k.lo = 1 << (bit - 64)
	}
	k.lo ^= uint64(r.IntN(256))
	return k
}

// checkTrie compares a trie with a map, in content, order, size and shape.
func checkTrie(t *testing.T, got trie[int], want map[key]int) {
	t.Helper()
	if got.size != len(want) {
		t.Fatalf("size %d, want %d", got.size, len(want))
	}
	var keys []key
	for k, v := range got.all() {
		keys = append(keys, k)
		if want[k] != v {
			t.Fatalf("%x is %d, want %d", k, v, want[k])
		}
	}
	if len(keys) != len(want) || !slices.IsSortedFunc(keys, compareKeys) {
		t.Fatalf("%d keys in order: %v, want %d", len(keys), slices.IsSortedFunc(keys, compareKeys), len(want))
	}
	for k, v := range want {
		if found, ok := got.get(k); !ok || found != v {
			t.Fatalf("get %x: %d %v, want %d", k, found, ok, v)
		}
	}
	checkShape(t, got.root, 0)
}

// checkShape looks for branches that should have been folded away.
func checkShape(t *testing.T, b *branch[int], depth int) {
	t.Helper()
	switch {
	case b == nil:
	case !b.inner:
		if len(b.bucket) == 0 || len(b.bucket) > maxBucket {
			t.Fatalf("depth %d: a bucket of %d", depth, len(b.bucket))
		}
	case len(b.kids) == 0, depth > 25:
		t.Fatalf("depth %d: an inner branch with %d kids", depth, len(b.kids))
	default:
		for _, kid := range b.kids {
			checkShape(t, kid, depth+1)
		}
	}
}

func TestTrieAgainstMap(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var now trie[int]
	want := map[key]int{}
	type version struct {
		trie trie[int]
		want map[key]int
	}
	var versions []version
	for range 60 {
		e := new(edit)
		for range 1 + r.IntN(200) {
			k := randomKey(r)
			if r.IntN(3) == 0 {
				now = now.remove(e, k)
				delete(want, k)
			} else {
				now = now.set(e, k, r.IntN(50))
				want[k], _ = now.get(k)
			}
		}
		if r.IntN(10) == 0 {
			for k := range want {
				now = now.remove(e, k)
				delete(want, k)
			}
		}
		copied := map[key]int{}
		for k, v := range want {
			copied[k] = v
		}
		versions = append(versions, version{now, copied})
	}
	// Every earlier version is still what it was.
	for _, v := range versions {
		checkTrie(t, v.trie, v.want)
	}
	for i := range versions[1:] {
		checkDiff(t, versions[i].trie, versions[i+1].trie, versions[i].want, versions[i+1].want)
		checkDiff(t, versions[i].trie, versions[0].trie, versions[i].want, versions[0].want)
	}
}

func checkDiff(t *testing.T, before, after trie[int], was, is map[key]int) {
	t.Helper()
	patched := map[key]int{}
	for k, v := range was {
		patched[k] = v
	}
	var keys []key
	diff(before, after, func(d difference[int]) bool {
		keys = append(keys, d.key)
		if old, ok := was[d.key]; ok != d.hasBefore || old != d.before {
			t.Fatalf("%x: before is %d %v, want %d %v", d.key, d.before, d.hasBefore, old, ok)
		}
		if d.hasBefore && d.hasNow && d.before == d.after {
			t.Fatalf("%x is yielded and did not change", d.key)
		}
		delete(patched, d.key)
		if d.hasNow {
			patched[d.key] = d.after
		}
		return true
	})
	if !slices.IsSortedFunc(keys, compareKeys) {
		t.Fatal("differences out of order")
	}
	if len(patched) != len(is) {
		t.Fatalf("patched to %d keys, want %d", len(patched), len(is))
	}
	for k, v := range is {
		if patched[k] != v {
			t.Fatalf("%x patched to %d, want %d", k, patched[k], v)
		}
	}
}

func TestTrieStopsWalking(t *testing.T) {
	t.Parallel()
	var tr trie[int]
	for i := range 1000 {
		tr = tr.set(new(edit), key{uint64(i), 0}, i)
	}
	seen := 0
	for range tr.all() {
		if seen++; seen == 100 {
			break
		}
	}
	if seen != 100 {
		t.Fatalf("walked %d slots, want to stop at 100", seen)
	}
}
