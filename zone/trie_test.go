package zone

import (
	"maps"
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
	for i := 0; i < len(keys); i += 1 + len(keys)/8 {
		for _, start := range []key{keys[i], {keys[i].hi, keys[i].lo + 1}, {keys[i].hi + 1, 0}} {
			at, _ := slices.BinarySearchFunc(keys, start, compareKeys)
			var rest []key
			for s := range got.from(start) {
				rest = append(rest, s.key)
			}
			if !slices.Equal(rest, keys[at:]) {
				t.Fatalf("from %x: %d keys, want %d", start, len(rest), len(keys)-at)
			}
		}
	}
	checkShape(t, got.root, 0)
}

// checkShape looks for pages that should have been folded away, or are left
// empty, and returns the number of slots.
func checkShape(t *testing.T, b branch[int], depth int) (slots int) {
	t.Helper()
	if depth == 128/digitBits {
		t.Fatal("a branch below the last digit")
	}
	if b.buckets != nil && b.buckets.empty() || b.branches != nil && b.branches.at == [fanout]branch[int]{} {
		t.Fatalf("depth %d: a page without anything", depth)
	}
	for digit := range fanout {
		bucket, kid := b.bucket(digit), b.branch(digit)
		switch {
		case len(bucket) > maxBucket, bucket != nil && len(bucket) == 0:
			t.Fatalf("depth %d: a bucket of %d", depth, len(bucket))
		case bucket != nil && !kid.empty():
			t.Fatalf("depth %d: a bucket and a branch for one digit", depth)
		case !kid.empty():
			below := checkShape(t, kid, depth+1)
			if below <= maxBucket/2 && kid.branches == nil {
				t.Fatalf("depth %d: a branch for %d slots", depth, below)
			}
			slots += below
		}
		slots += len(bucket)
	}
	return slots
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
	var used []key
	for range 60 {
		e := new(edit)
		for range 1 + r.IntN(400) {
			k := randomKey(r)
			if len(used) > 0 && r.IntN(2) == 0 {
				k = used[r.IntN(len(used))]
			}
			used = append(used, k)
			if r.IntN(3) == 0 {
				now = now.remove(e, k)
				delete(want, k)
			} else {
				v := r.IntN(50)
				now = now.set(e, k, v)
				want[k] = v
			}
		}
		if r.IntN(10) == 0 {
			for k := range want {
				now = now.remove(e, k)
				delete(want, k)
			}
		}
		versions = append(versions, version{now, maps.Clone(want)})
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
	patched := maps.Clone(was)
	var keys []key
	diff(before, after, func(d difference[int]) bool {
		k := d.key()
		keys = append(keys, k)
		if old, ok := was[k]; ok != (d.before != nil) || ok && *d.before != (slot[int]{k, old}) {
			t.Fatalf("%x: before is %v, want %d %v", k, d.before, old, ok)
		}
		if d.before != nil && d.after != nil && d.before.value == d.after.value {
			t.Fatalf("%x is yielded and did not change", k)
		}
		delete(patched, k)
		if d.after != nil {
			patched[k] = d.after.value
		}
		return true
	})
	if !slices.IsSortedFunc(keys, compareKeys) {
		t.Fatal("differences out of order")
	}
	if !maps.Equal(patched, is) {
		t.Fatalf("patched to %d keys, want %d, or values differ", len(patched), len(is))
	}
}

// A zone that grows in one batch and shrinks in small ones must keep its shape,
// and leave the batch before as it was.
func TestTrieGrowsAndShrinks(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	var full trie[int]
	want := map[key]int{}
	e := new(edit)
	for i := range 20_000 {
		k := key{r.Uint64(), r.Uint64()}
		full = full.set(e, k, i)
		want[k] = i
	}
	checkTrie(t, full, want)
	left, now := maps.Clone(want), full
	for k := range want {
		now = now.remove(new(edit), k)
		delete(left, k)
		if len(left)%2500 == 0 {
			checkTrie(t, now, left)
		}
	}
	if now.root != (branch[int]{}) {
		t.Error("pages are left of an empty trie")
	}
	checkTrie(t, full, want)
}

// Sharing is what makes a change cheap: it may copy the path to one bucket.
func TestTrieSharesWhatDoesNotChange(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	var before trie[int]
	e := new(edit)
	for i := range 20_000 {
		before = before.set(e, key{r.Uint64(), r.Uint64()}, i)
	}
	k, _ := before.first()
	after := before.set(new(edit), k, -1)
	if all, copied := count(before.root, branch[int]{}), count(after.root, before.root); copied != 1 || all < 500 {
		t.Errorf("%d of %d buckets copied, want 1 of many", copied, all)
	}
}

// count is the number of buckets in b that other does not share.
func count(b, other branch[int]) (buckets int) {
	for digit := range fanout {
		if kid := b.branch(digit); !kid.empty() {
			buckets += count(kid, other.branch(digit))
		} else if !b.bucket(digit).same(other.bucket(digit)) {
			buckets++
		}
	}
	return buckets
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
