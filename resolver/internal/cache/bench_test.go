package cache

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"testing"
)

// A hit, from the query in a receive buffer to the reply in another.
func BenchmarkHit(b *testing.B) {
	for name, names := range map[string]int{"one name": 1, "random of 100k": 100_000} {
		b.Run(name, func(b *testing.B) {
			c := New(Config{Size: 96 << 20})
			fill(c, names)
			r := rand.New(rand.NewPCG(1, 2))
			k := numbered(0)
			asked := query(k)
			k.Name = asked[headerLen : len(asked)-questionLen]
			buffer := make([]byte, 0, 1232)
			b.ReportAllocs()
			for b.Loop() {
				number(k.Name, r.IntN(names))
				h, ok := c.Get(k, start)
				if !ok {
					b.Fatal("a miss")
				}
				buffer = h.AppendReply(buffer[:0], asked)
			}
		})
	}
}

// number writes a number into the name of a numbered key.
func number(name []byte, n int) {
	for i := 8; i > 0; i-- {
		name[i] = "0123456789abcdef"[n&0xf]
		n >>= 4
	}
}

func BenchmarkHitParallel(b *testing.B) {
	c := New(Config{Size: 1 << 20})
	fill(c, 1)
	k := numbered(0)
	asked := query(k)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		buffer := make([]byte, 0, 1232)
		for pb.Next() {
			h, _ := c.Get(k, start)
			buffer = h.AppendReply(buffer[:0], asked)
		}
	})
}

func BenchmarkMiss(b *testing.B) {
	c := New(Config{Size: 64 << 20})
	fill(c, 100_000)
	r := rand.New(rand.NewPCG(1, 2))
	k := numbered(0)
	b.ReportAllocs()
	for b.Loop() {
		number(k.Name, 100_000+r.IntN(100_000))
		c.Get(k, start)
	}
}

// Into a full cache, so that each evicts another.
func BenchmarkPut(b *testing.B) {
	c := New(Config{Size: 1 << 20})
	k := numbered(0)
	m := sized(k, 50)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		k = numbered(n)
		m.Question[0].Name = k.text()
		m.Answer[0].Header().Name = m.Question[0].Name
		c.Put(k, m, 0, c.Epoch(), start)
	}
}

// What a full cache takes, and how much of that are messages.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		const size = 16 << 20
		before := heapInUse()
		c := New(Config{Size: size})
		for n := 0; c.Stats().Evictions == 0; n++ {
			k := numbered(n)
			c.Put(k, sized(k, 50), 0, c.Epoch(), start)
		}
		b.ReportMetric(float64(heapInUse()-before)/size, "heap/size")
		b.ReportMetric(float64(c.Stats().Entries), "entries")
	}
}

// What the process takes while ten times the size is put in, as fast as possible.
func BenchmarkChurn(b *testing.B) {
	const size = 16 << 20
	for name, mix := range mixes {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				debug.FreeOSMemory()
				before := resident(b)
				peak, n, r := int64(0), 0, rand.New(rand.NewPCG(1, 2))
				c := New(Config{Size: size})
				for _, octets := range mix.octets {
					for put := 0; put < 10*size/len(mix.octets); n++ {
						k := numbered(n)
						m := sized(k, octets(r))
						c.Put(k, m, 0, c.Epoch(), start)
						put += int(entryBytes) + m.Len()
						if n%500 == 0 {
							peak = max(peak, resident(b))
						}
					}
				}
				b.ReportMetric(float64(peak-before)/size, "RSS/size")
				b.ReportMetric(float64(c.Stats().Bytes)/size, "kept/size")
			}
		})
	}
}

// The full cache of the default size, for the next process.
func BenchmarkSave(b *testing.B) {
	c := full(16 << 20)
	b.ReportAllocs()
	for b.Loop() {
		entries, err := c.Save(io.Discard, origin, start)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(entries), "entries")
	}
}

func BenchmarkLoad(b *testing.B) {
	text := saved(b, full(16<<20), start)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		c := New(Config{Size: 16 << 20})
		entries, err := c.Load(bytes.NewReader(text), origin, c.Epoch(), start)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(entries), "entries")
	}
}

// full is a cache with no room left.
func full(size int64) *Cache {
	c := New(Config{Size: size})
	for n := 0; c.Stats().Evictions == 0; n++ {
		c.Put(numbered(n), sized(numbered(n), 50), 0, c.Epoch(), start)
	}
	return c
}

// resident is what the process has of the machine's memory.
func resident(b *testing.B) int64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		b.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// fill puts that many replies in.
func fill(c *Cache, names int) {
	for i := range names {
		k := numbered(i)
		c.Put(k, sized(k, 50), 0, c.Epoch(), start)
	}
}
