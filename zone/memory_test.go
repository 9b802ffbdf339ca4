package zone

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// ceilings for each node. They are some way above what was measured (131
// and 53 octets, 70 with the race detector), and below what a second copy of
// the nodes would take.
const (
	maxLive   = 160 // octets that live, both families and their reverse records
	maxStaged = 80  // octets allocated while a known backlog is reported again
)

// dualEntries are nodes with both families of address.
func dualEntries(n int) []Entry {
	entries := make([]Entry, n)
	for i := range entries {
		id := benchID(i)
		entries[i] = Entry{
			ID:        id,
			Addresses: []netip.Addr{benchAddr(i), netip.MustParseAddr(fmt.Sprintf("fd00::%s:%x", id[len(id)-4:], i))},
			State:     StateUp,
		}
	}
	return entries
}

// tell reports a whole backlog, in chunks as a curator would.
func tell(src *Source, entries []Entry) {
	src.Begin()
	for len(entries) > 0 {
		n := min(len(entries), 4096)
		src.Set(entries[:n]...)
		entries = entries[n:]
	}
	src.Complete()
}

// Not parallel: it reads what the whole process has allocated.
func TestMemoryOfANode(t *testing.T) {
	testkit.Memory(t)
	const n = 50_000
	entries := dualEntries(n)
	s, err := NewStore(Config{Local: "memory"})
	if err != nil {
		t.Fatal(err)
	}
	src := s.Source("curator")
	before := liveHeap()
	tell(src, entries)
	if got := s.Snapshot().Counts().Live; got != n+1 {
		t.Fatalf("%d live nodes, want %d", got, n+1)
	}
	if live := (liveHeap() - before) / n; live > maxLive {
		t.Errorf("a node takes %d octets, want at most %d", live, maxLive)
	}

	// What is known already is compared, and not built a second time.
	serial, allocated := s.Snapshot().Serial(), totalAlloc()
	tell(src, entries)
	if staged := (totalAlloc() - allocated) / n; staged > maxStaged {
		t.Errorf("telling a node again allocates %d octets, want at most %d", staged, maxStaged)
	}
	if s.Snapshot().nodes.size != n || s.Snapshot().Serial() > serial+1 {
		t.Errorf("the same backlog was published as %d snapshots", s.Snapshot().Serial()-serial)
	}
	runtime.KeepAlive(entries)
}

func totalAlloc() int64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.TotalAlloc)
}
