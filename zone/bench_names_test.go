package zone

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"
)

// benchName is the readable name of the i-th node.
func benchName(i int) string { return fmt.Sprintf("node-%07d", i) }

// nameNodes gives the nodes of a store their names.
func nameNodes(src *Source, n int) {
	src.Begin()
	for from := 0; from < n; from += 20_000 {
		entries := make([]Entry, 0, 20_000)
		for i := from; i < min(n, from+20_000); i++ {
			entries = append(entries, Entry{ID: benchID(i), Names: []string{benchName(i)}, Addresses: []netip.Addr{benchAddr(i)}, State: StateUp})
		}
		src.Set(entries...)
	}
	src.Complete()
}

// BenchmarkLookupName looks up random readable names. To be compared with
// BenchmarkLookup.
func BenchmarkLookupName(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			s, src := benchStore(b, n)
			nameNodes(src, n)
			names := benchNames(n, benchName)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if o := s.Snapshot().LookupName(names[i&(1<<16-1)]); !o.Exists() {
					b.Fatal("not found")
				}
				i++
			}
		})
	}
}

// BenchmarkCanonical is from a random node to its name, as for a PTR record.
func BenchmarkCanonical(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			s, src := benchStore(b, n)
			nameNodes(src, n)
			nodes, buffer := make([]Node, 1<<16), make([]byte, 0, 255)
			for i := range nodes {
				nodes[i], _ = s.Snapshot().Lookup(benchID(rand.IntN(n)))
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				nodes[i&(1<<16-1)].AppendCanonical(buffer, Canonical{Domain: "nodes.example"})
				i++
			}
		})
	}
}

// BenchmarkRename is one node that gets another name. The median is what other work
// on the machine does not change much.
func BenchmarkRename(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			_, src := benchStore(b, n)
			nameNodes(src, n)
			b.ReportAllocs()
			var each []time.Duration
			for i := 0; b.Loop(); i++ {
				j := rand.IntN(n)
				e := Entry{ID: benchID(j), Names: []string{benchName(n + i)}, Addresses: []netip.Addr{benchAddr(j)}, State: StateUp}
				began := time.Now()
				src.Set(e)
				each = append(each, time.Since(began))
			}
			slices.Sort(each)
			b.ReportMetric(float64(each[len(each)/2].Nanoseconds()), "median-ns/op")
		})
	}
}

// BenchmarkMemoryOfAName measures the live heap that a name of each node takes.
func BenchmarkMemoryOfAName(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			for b.Loop() {
				s, src := benchStore(b, n)
				before := liveHeap()
				nameNodes(src, n)
				b.ReportMetric(float64(liveHeap()-before)/float64(n), "B/name")
				runtime.KeepAlive(s)
			}
		})
	}
}
