package zone

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strconv"
	"testing"
	"time"
)

var benchSizes = []int{1_000, 100_000, 1_000_000}

// benchID is the ID of the i-th node: as random as a public key, and the same
// in each run.
func benchID(i int) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(i)))
	return string(DefaultPrefix) + hex.EncodeToString(sum[:16])
}

func benchAddr(i int) netip.Addr {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], 10<<24+uint32(i)+1)
	return netip.AddrFrom4(a)
}

// benchStore returns a store with n nodes, as a backlog leaves it.
func benchStore(tb testing.TB, n int) (*Store, *Source) {
	tb.Helper()
	s, err := NewStore(Config{Local: "bench", RetainDeparted: RetainFor(time.Hour)})
	if err != nil {
		tb.Fatal(err)
	}
	src := s.Source("curator")
	src.Expect(true)
	src.Begin()
	for from := 0; from < n; from += 20_000 {
		entries := make([]Entry, 0, 20_000)
		for i := from; i < min(n, from+20_000); i++ {
			entries = append(entries, Entry{ID: benchID(i), Addresses: []netip.Addr{benchAddr(i)}, State: StateUp})
		}
		src.Set(entries...)
	}
	src.Complete()
	if got := s.Snapshot().Counts().Live; got != n+1 {
		tb.Fatalf("%d live nodes, want %d", got, n+1)
	}
	return s, src
}

// sizes of the benchmarks; with -short the largest is left out.
func sizes() []int {
	if testing.Short() {
		return benchSizes[:len(benchSizes)-1]
	}
	return benchSizes
}

// BenchmarkChange is one node that gets a new address: its record, the old and
// the new reverse record, and the snapshot.
func BenchmarkChange(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			_, src := benchStore(b, n)
			r := rand.New(rand.NewPCG(1, uint64(n)))
			entries := make([]Entry, 1<<16)
			for i := range entries {
				entries[i] = Entry{ID: benchID(r.IntN(n)), Addresses: []netip.Addr{benchAddr(1<<21 + r.IntN(1<<20))}, State: StateUp}
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				src.Set(entries[i&(1<<16-1)])
				i++
			}
		})
	}
}

// benchNames draws 65,536 names out of n, all of one length. They lie one after
// another, since a query's name is near the processor already: what is measured is
// the zone.
func benchNames(n int, name func(int) string) [][]byte {
	names := make([][]byte, 1<<16)
	var text []byte
	for range names {
		text = append(text, name(rand.IntN(n))...)
	}
	for i := range names {
		names[i] = text[i*len(text)/len(names) : (i+1)*len(text)/len(names)]
	}
	return names
}

// BenchmarkLookup looks up random names, so that caches do not flatter it.
func BenchmarkLookup(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			s, _ := benchStore(b, n)
			names := benchNames(n, benchID)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if n, _ := s.Snapshot().LookupLabel(names[i&(1<<16-1)]); !n.Exists() {
					b.Fatal("not found")
				}
				i++
			}
		})
	}
}

// BenchmarkReverse looks up the names of random addresses.
func BenchmarkReverse(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			s, _ := benchStore(b, n)
			addrs := make([]netip.Addr, 1<<16)
			for i := range addrs {
				addrs[i] = benchAddr(rand.IntN(n))
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, ok := s.Snapshot().Reverse(addrs[i&(1<<16-1)]); !ok {
					b.Fatal("not found")
				}
				i++
			}
		})
	}
}

// BenchmarkMemory measures the live heap for each node, reverse record
// included.
func BenchmarkMemory(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			for b.Loop() {
				before := liveHeap()
				s, _ := benchStore(b, n)
				b.ReportMetric(float64(liveHeap()-before)/float64(n), "B/node")
				runtime.KeepAlive(s)
			}
		})
	}
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// BenchmarkBacklog is a complete backlog that changes nothing: what a
// reconnect costs.
func BenchmarkBacklog(b *testing.B) {
	const n = 100_000
	_, src := benchStore(b, n)
	entries := make([]Entry, n)
	for i := range entries {
		entries[i] = Entry{ID: benchID(i), Addresses: []netip.Addr{benchAddr(i)}, State: StateUp}
	}
	b.ReportAllocs()
	for b.Loop() {
		src.Begin()
		src.Set(entries...)
		src.Complete()
	}
}
