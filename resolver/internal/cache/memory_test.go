package cache

import (
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// Sizes of replies, as distributions that follow each other: what was freed by
// one is of the wrong size for the next.
var mixes = map[string]struct {
	octets []func(*rand.Rand) int
}{
	"small": {[]func(*rand.Rand) int{func(*rand.Rand) int { return 0 }}},
	"like the internet's": {[]func(*rand.Rand) int{
		func(r *rand.Rand) int {
			if r.IntN(20) == 0 {
				return 1000 + r.IntN(2000)
			}
			return r.IntN(300)
		},
	}},
	"huge": {[]func(*rand.Rand) int{func(r *rand.Rand) int { return 6000 + r.IntN(9000) }}},
	"one after the other": {[]func(*rand.Rand) int{
		func(r *rand.Rand) int { return r.IntN(100) },
		func(r *rand.Rand) int { return 2000 + r.IntN(3000) },
		func(r *rand.Rand) int { return r.IntN(60) },
		func(r *rand.Rand) int { return r.IntN(15000) },
		func(r *rand.Rand) int { return 150 + r.IntN(100) },
	}},
}

// What is asserted is what lives after several times the size was put in. How
// much garbage there is before a collection depends on how busy the machine is;
// BenchmarkChurn shows it.
//
// Not parallel: it measures what the whole process uses.
func TestMemoryIsBounded(t *testing.T) {
	testkit.Memory(t)
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	const size = 4 << 20
	for name, mix := range mixes {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			before := heapInUse()
			c, n := New(Config{Size: size}), 0
			for _, octets := range mix.octets {
				for put := 0; put < 2*size; n++ {
					k := numbered(n)
					m := sized(k, octets(r))
					c.Put(k, m, 0, c.Epoch(), start)
					put += int(entryBytes) + m.Len()
				}
			}
			used := heapInUse() - before
			s := c.Stats()
			part := func(bytes int64) float64 { return float64(bytes) / size }
			t.Logf("%d entries; of the size %.2f are counted, %.2f used", s.Entries, part(s.Bytes), part(used))
			if s.Evictions == 0 {
				t.Error("the cache was not full")
			}
			if used > size {
				t.Error("too much")
			}
			runtime.KeepAlive(c)
		})
	}
}

// heapInUse is what the heap takes of the system's memory once the garbage is
// collected: fragments that hold nothing count.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // finishes sweeping the first one's
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

// What an entry is counted with is what the allocator gives for it: these are
// size classes, and the next ones are a good deal larger.
func TestEntriesFitSizeClasses(t *testing.T) {
	for octets, want := range map[int]int64{
		20: 160, 64: 160, 65: 256, 160: 256, 161: 384, 288: 384,
		289: 96 + 320, 1000: 96 + 1024, 9000: 96 + 9472,
	} {
		if e := allocate(octets); e.cost() != want || cap(e.data) < octets || len(e.data) != 0 {
			t.Errorf("%d octets cost %d, want %d", octets, e.cost(), want)
		}
	}
}
