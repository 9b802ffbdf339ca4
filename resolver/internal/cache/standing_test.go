package cache

import (
	"testing"
	"time"
)

// Popular names are asked for now and then, among many times as many names
// that are asked for once or twice and never again.
func TestFloodLeavesThePopular(t *testing.T) {
	for name, repeats := range map[string]int{"asked once": 0, "asked twice": 1} {
		t.Run(name, func(t *testing.T) {
			const popular, rounds, flood = 200, 5, 4000
			c := New(Config{Size: 1 << 20})
			for range 2 {
				for i := range popular {
					ask(t, c, i)
					ask(t, c, i)
				}
			}
			next, hits := popular, 0
			for range rounds {
				for i := range popular {
					if ask(t, c, i) {
						hits++
					}
				}
				for range flood {
					next++
					for range 1 + repeats {
						ask(t, c, next)
					}
				}
			}
			if s := c.Stats(); s.Entries > flood {
				t.Fatalf("%d entries: the flood was none", s.Entries)
			}
			if hits != popular*rounds {
				t.Errorf("%d of %d hits", hits, popular*rounds)
			}
			check(t, c)
		})
	}
}

// ask does what a resolver does, and reports whether it was a hit.
func ask(t *testing.T, c *Cache, n int) bool {
	k := numbered(n)
	if _, ok := c.Get(k, start); ok {
		return true
	}
	put(t, c, k, sized(k, 50), start)
	return false
}

// A name that comes back soon after its eviction stays longer the next time.
func TestGhostsComeBackToStay(t *testing.T) {
	c := newCache(0)
	ask(t, c, 0)
	n := 0
	flood := func() {
		for range 20000 {
			n++
			ask(t, c, n)
		}
	}
	for c.Stats().Evictions == 0 {
		n++
		ask(t, c, n)
	}
	if ask(t, c, 0) {
		t.Fatal("the oldest was not the first to go")
	}
	flood()
	if !ask(t, c, 0) {
		t.Error("gone again")
	}
}

// Expired, however popular it was.
func TestExpiredGoFirst(t *testing.T) {
	expired := &entry{expires: start - time.Hour, inMain: true}
	expired.hits.Store(fullHits)
	stale := &entry{expires: start - time.Second, inMain: true}
	stale.hits.Store(1)
	fresh := &entry{expires: start + time.Hour, inMain: true}
	var s standing
	s.main.push(stale)
	s.main.push(fresh)
	s.main.push(expired)
	// The stale one is kept for its hit, the fresh one has none.
	for i, want := range []*entry{fresh, expired, stale} {
		got := s.victim(start, time.Minute)
		if got != want {
			t.Errorf("number %d to go expires at %v", i, got.expires)
		}
		s.queueOf(got).remove(got)
	}
	if n := stale.hits.Load(); n != 0 {
		t.Errorf("another round was for nothing: %d hits are left", n)
	}
}

func TestRefreshKeepsTheStanding(t *testing.T) {
	for name, hits := range map[string]int{"and counts as a hit": 1, "of a popular one": fullHits} {
		t.Run(name, func(t *testing.T) {
			c, k := newCache(0), numbered(0)
			inMain := func() bool { return c.table.Load().find(&k, k.hash(c.seed)).inMain }
			ask(t, c, 0)
			put(t, c, k, sized(k, 50), start)
			for range hits {
				get(t, c, k, start)
			}
			for n := 1; c.Stats().Evictions == 0; n++ {
				ask(t, c, n)
			}
			if !inMain() {
				t.Fatal("it did not get to the main queue")
			}
			put(t, c, k, sized(k, 50), start)
			if !inMain() {
				t.Error("it has to begin anew")
			}
			check(t, c)
		})
	}
}

func TestEntryLimit(t *testing.T) {
	c, k := newCache(0), numbered(0)
	limit := int(c.entryLimit())
	if limit > size/64 {
		t.Errorf("an entry may take %d of %d", limit, size)
	}
	if c.Put(k, sized(k, limit), 0, c.Epoch(), start) {
		t.Error("a huge reply was kept")
	}
	put(t, c, k, sized(k, limit/2), start)
	if large := New(Config{Size: 1 << 30}).entryLimit(); large != 16<<10 {
		t.Errorf("a large cache keeps replies of %d octets", large)
	}
}

// Chains stay short, whatever the names: the seed is not known.
func TestChainsAreShort(t *testing.T) {
	c := newCache(0)
	for n := 0; c.Stats().Evictions == 0; n++ {
		put(t, c, numbered(n), sized(numbered(n), 0), start)
	}
	for i := range *c.table.Load() {
		length := 0
		for e := (*c.table.Load())[i].Load(); e != nil; e = e.next.Load() {
			length++
		}
		// With two entries for each chain on average, the odds of 30 in one
		// are 1 to 10^24.
		if length > 30 {
			t.Errorf("chain %d has %d entries", i, length)
		}
	}
}
