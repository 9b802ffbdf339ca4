package cache

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// All methods concurrently, on few names and little room. The race detector and
// check report failures; each reply identifies its key.
func TestConcurrentUse(t *testing.T) {
	const goroutines, names, steps = 8, 400, 3000
	c := New(Config{Size: 128 << 10, ServeStale: time.Minute})
	var running sync.WaitGroup
	for g := range goroutines {
		running.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for range steps {
				step(t, c, r, numbered(r.IntN(names)))
			}
		})
	}
	running.Wait()
	check(t, c)
}

func step(t *testing.T, c *Cache, r *rand.Rand, k Key) {
	now := start + time.Duration(r.IntN(7200))*time.Second
	switch r.IntN(100) {
	case 0:
		c.Flush()
	case 1:
		c.FlushName(k.Name)
	case 2:
		c.SetConfig(Config{Size: int64(64+r.IntN(128)) << 10, ServeStale: time.Minute})
	case 3:
		c.Stats()
	case 4, 5, 6, 7, 8, 9:
		c.Fail(k, Failure{}, c.Epoch(), now)
	default:
		h, ok := c.Get(k, now)
		if !ok {
			c.Put(k, sized(k, r.IntN(200)), 0, c.Epoch(), now)
			return
		}
		m, err := h.Message()
		if err != nil || m.Question[0].Name != k.text() {
			t.Errorf("for %v: %v, %v", k.Name, m, err)
		}
	}
}

func TestPrefetchOnceAmongMany(t *testing.T) {
	c, k := newCache(0), numbered(0)
	put(t, c, k, sized(k, 10), start)
	for range fullHits {
		get(t, c, k, start)
	}
	var running sync.WaitGroup
	prefetches := make(chan bool, 8)
	for range cap(prefetches) {
		running.Go(func() {
			if h, ok := c.Get(k, start+time.Hour-1); ok && h.Prefetch {
				prefetches <- true
			}
		})
	}
	running.Wait()
	if len(prefetches) != 1 {
		t.Errorf("%d prefetches", len(prefetches))
	}
}
