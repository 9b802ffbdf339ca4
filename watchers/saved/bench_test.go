package saved

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// large returns a run of the daemon with many nodes, their IDs as random as
// public keys are.
func large(b *testing.B, nodes int, withNames bool) *process {
	b.Helper()
	store, err := zone.NewStore(zone.Config{Local: zone.ID(id(0)), RetainDeparted: zone.RetainFor(time.Hour)})
	if err != nil {
		b.Fatal(err)
	}
	p := &process{curator: store.Source("curator"), Directory: &Directory{Path: b.TempDir(), Store: store}}
	seed := maphash.MakeSeed()
	p.curator.Begin()
	batch := make([]zone.Entry, 0, batchSize)
	for i := range nodes {
		addr := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, 10<<24+uint32(i)+1)))
		batch = append(batch, zone.Entry{
			ID:        fmt.Sprintf("%s%016x%016x", zone.DefaultPrefix, maphash.Comparable(seed, i), i),
			Addresses: []netip.Addr{addr},
			State:     zone.StateUp,
		})
		if withNames {
			batch[len(batch)-1].Names = []string{fmt.Sprint("node-", i)}
		}
		if len(batch) == batchSize || i == nodes-1 {
			p.curator.Set(batch...)
			batch = batch[:0]
		}
	}
	p.curator.Complete()
	return p
}

// each runs a benchmark for zones of several sizes, without names and with one each.
func each(b *testing.B, run func(b *testing.B, nodes int, withNames bool)) {
	for _, nodes := range []int{10_000, 100_000, 1_000_000} {
		for _, withNames := range []bool{false, true} {
			b.Run(fmt.Sprint("nodes=", nodes, "/names=", withNames), func(b *testing.B) { run(b, nodes, withNames) })
		}
	}
}

func BenchmarkSave(b *testing.B) {
	each(b, func(b *testing.B, nodes int, withNames bool) {
		p := large(b, nodes, withNames)
		b.ReportAllocs()
		for b.Loop() {
			if err := p.save(p.Store.Snapshot()); err != nil {
				b.Fatal(err)
			}
		}
		info, err := os.Stat(p.file())
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/float64(nodes), "file-B/node")
	})
}

// BenchmarkSaveAhead is what a change costs that the hosts file gets.
func BenchmarkSaveAhead(b *testing.B) {
	p := large(b, 10_000, false)
	p.SaveAhead()
	for i := 0; b.Loop(); i++ {
		p.curator.Set(live(1, fmt.Sprintf("10.0.%d.%d", i>>8&255, i&255)))
		p.SaveAhead()
	}
}

// BenchmarkLoad also reports how much memory each node takes once it is loaded.
func BenchmarkLoad(b *testing.B) {
	each(b, func(b *testing.B, nodes int, withNames bool) {
		path := largeFile(b, nodes, withNames)
		b.ReportAllocs()
		var store *zone.Store
		before := heap()
		for b.Loop() {
			store = nil
			fresh, err := zone.NewStore(zone.Config{Local: zone.ID(id(0))})
			if err != nil {
				b.Fatal(err)
			}
			store = fresh
			if err := (&Directory{Path: path, Store: store}).Load(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/float64(nodes), "kept-B/node")
		if got := store.Snapshot().Counts().Live; got != nodes+1 {
			b.Fatalf("%d live nodes", got)
		}
	})
}

// largeFile returns the state directory of such a run.
func largeFile(b *testing.B, nodes int, withNames bool) string {
	p := large(b, nodes, withNames)
	if err := p.save(p.Store.Snapshot()); err != nil {
		b.Fatal(err)
	}
	return p.Path
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
