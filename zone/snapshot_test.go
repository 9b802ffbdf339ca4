package zone

import (
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestFirstSnapshotHasOwnNameOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.want(self, "-")
	f.want(strings.ToUpper(self), "-")
	f.want(a, "")
	if !f.Snapshot().Local().IsLocal() || f.Snapshot().Serial() != 1 {
		t.Error("the first snapshot is not that of the local node")
	}
	f.wantCounts(Counts{Live: 1})
}

func TestFreeNodeID(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.Local = "Metropolis-Zed" })
	f.setLocal("192.0.2.9")
	f.connect(node(a, "192.0.2.1"), node(testID(0), "192.0.2.2"))
	f.want("metropolis-zed", "192.0.2.9")
	f.want("METROPOLIS-ZED", "192.0.2.9")
	f.want("metropolis\rzed", "") // 0x0d is '-' but for the bit of small letters
	if got := ids(f.Snapshot()); len(got) != 3 || !sorted(got) {
		t.Errorf("all: %v, want three sorted", got)
	}
	f = newFixture(t, func(c *Config) { c.Local = "alpha" })
	f.connect(node(a))
	if got := ids(f.Snapshot()); len(got) != 2 || got[0] != "alpha" {
		t.Errorf("all: %v, want alpha first", got)
	}
}

func TestReverseRecords(t *testing.T) {
	t.Parallel()
	const shared = "192.0.2.1"
	f := newFixture(t)
	f.connect(node(c, shared), node(b, shared), node(a, shared, "2001:db8::a"))
	f.wantReverse(shared, a)
	f.wantReverse("2001:db8::a", a)
	f.curator.Gone(a)
	f.wantReverse(shared, b) // live outranks departed
	f.wantReverse("2001:db8::a", a)
	f.curator.Set(node(b, "192.0.2.2"))
	f.wantReverse(shared, c)
	f.wantReverse("192.0.2.2", b)
	f.curator.Gone(c)
	f.wantReverse(shared, c) // of the departed the one that had it
	f.curator.Set(node(c, "192.0.2.3"))
	f.wantReverse(shared, a)
	f.pass(retention)
	f.dropExpired()
	f.wantReverse(shared, "")
	if len(f.claims) != 0 {
		t.Errorf("%d shared addresses left, want 0", len(f.claims))
	}
}

// What is returned without a walk over the addresses agrees with them.
func TestAddressesByFamily(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.8", "192.0.2.9")
	f.connect(node(a, "192.0.2.1", "2001:db8::a"), node(b, "192.0.2.2"), node(c))
	for name, want := range map[string][2]string{
		self: {"several", "none"}, a: {"192.0.2.1", "2001:db8::a"}, b: {"192.0.2.2", "none"}, c: {"none", "none"},
	} {
		n, _ := f.Snapshot().Lookup(name)
		for i, want := range want {
			family := [...]Family{IPv4, IPv6}[i]
			addr, ok := n.Addr(family)
			if got := n.HasFamily(family); got != (want != "none") {
				t.Errorf("%s, IPv4 %t: HasFamily reports %t", name, family == IPv4, got)
			}
			if one := want != "none" && want != "several"; ok != one || one && addr.String() != want {
				t.Errorf("%s, IPv4 %t: address %v, %t, want %s", name, family == IPv4, addr, ok, want)
			}
		}
	}
}

func TestReachable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, tt := range []struct{ expected, connected, want bool }{
		{false, false, true}, {true, false, false}, {true, true, true},
	} {
		f.curator.Expect(tt.expected)
		f.curator.SetConnected(tt.connected)
		if got := f.Snapshot().Reachable(); got != tt.want {
			t.Errorf("expected %t, connected %t: reachable %t", tt.expected, tt.connected, got)
		}
	}
}

func TestSnapshotsNeverChange(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1"), node(b, "192.0.2.2"))
	old := f.Snapshot()
	f.setLocal("192.0.2.7")
	f.curator.Set(node(a, "192.0.2.11"), node(c, "192.0.2.3"))
	f.curator.Gone(b)
	if show(old, a) != "192.0.2.1" || show(old, c) != "" || show(old, self) != "-" {
		t.Error("the old snapshot has changed")
	}
	if n, _ := old.Lookup(b); n.Departed() {
		t.Error("the old snapshot has a departed node")
	}
	var changed []string
	for change := range f.Snapshot().Changes(old) {
		n := change.After
		if change.Before.Exists() && change.Before.ID() != n.ID() {
			t.Errorf("change of %s and %s", change.Before.ID(), n.ID())
		}
		changed = append(changed, string(n.ID()))
	}
	if want := []string{self, a, b, c}; !slices.Equal(changed, want) {
		t.Errorf("changed %v, want %v", changed, want)
	}
	for range f.Snapshot().Changes(f.Snapshot()) {
		t.Error("a snapshot differs from itself")
	}
}

func TestAllIsSortedAndHasEverybodyOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var entries []Entry
	for i := 199; i >= 0; i-- {
		entries = append(entries, node(testID(i), netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}).String()))
	}
	f.connect(entries...)
	got := ids(f.Snapshot())
	if len(got) != 200 || !sorted(got) || !slices.Contains(got, self) {
		t.Errorf("%d nodes, sorted %v", len(got), sorted(got))
	}
	if len(slices.Compact(got)) != 200 {
		t.Error("a node is there twice")
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	f.connect(node(a, "192.0.2.1", "2001:db8::1"))
	label, own := []byte(strings.ToUpper(a)), []byte(self)
	addr := netip.MustParseAddr("192.0.2.1")
	found := 0
	allocs := testing.AllocsPerRun(100, func() {
		s := f.Snapshot()
		for _, l := range [][]byte{label, own} {
			n, _ := s.LookupLabel(l)
			for range n.Addrs() {
				found++
			}
		}
		if _, ok := s.Reverse(addr); ok {
			found++
		}
	})
	if allocs != 0 || found == 0 {
		t.Errorf("%v allocations for %d finds, want none", allocs, found)
	}
}

// A query's name lies in a buffer on the stack. It must be able to stay there.
func TestLookupLabelDoesNotEscape(t *testing.T) {
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1"))
	s := f.Snapshot()
	allocs := testing.AllocsPerRun(100, func() {
		var buffer [63]byte
		label := buffer[:copy(buffer[:], a)]
		if n, shaped := s.LookupLabel(label); !n.Exists() || !shaped || !s.HasIDShape(label) {
			t.Error("not found")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

// A change copies three paths: the node's, and those of its old and its new
// reverse record. With this number of nodes the buckets are at their fullest.
func TestChangeAllocatesLittle(t *testing.T) {
	const nodes, changes = 10_000, 500
	_, src := benchStore(t, nodes)
	entries := make([]Entry, changes)
	for i := range entries {
		entries[i] = Entry{ID: benchID(i), Addresses: []netip.Addr{benchAddr(nodes + i)}, State: StateUp}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range entries {
		src.Set(entries[i : i+1]...)
	}
	runtime.ReadMemStats(&after)
	got := (after.TotalAlloc - before.TotalAlloc) / changes
	t.Logf("a change allocates %d B", got)
	if got > 8<<10 {
		t.Errorf("a change allocates %d B, want at most 8 KiB", got)
	}
}
