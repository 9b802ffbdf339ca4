package zone

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// An address that two nodes claim keeps its reverse record, whatever the IDs.
func TestReverseRecordStaysWithTheIncumbent(t *testing.T) {
	t.Parallel()
	const addr = "192.0.2.9"
	for name, test := range map[string]struct {
		do   func(f *fixture)
		want string
	}{
		"a smaller ID comes": {func(f *fixture) { f.curator.Set(node(b, addr)); f.curator.Set(node(a, addr)) }, b},
		"a larger ID comes":  {func(f *fixture) { f.curator.Set(node(b, addr)); f.curator.Set(node(c, addr)) }, b},
		"two come at once":   {func(f *fixture) { f.curator.Set(node(c, addr), node(b, addr)) }, b},
		"it moves there":     {func(f *fixture) { f.curator.Set(node(b, addr), node(a, "192.0.2.1")); f.curator.Set(node(a, addr)) }, b},
		"the incumbent says it again": {func(f *fixture) {
			f.curator.Set(node(b, addr))
			f.curator.Set(node(a, addr))
			f.curator.Set(node(b, addr))
		}, b},
		"another one of a family": {func(f *fixture) {
			f.curator.Set(node(b, addr))
			f.curator.Set(node(a, addr))
			f.curator.Set(node(b, addr, "2001:db8::b"))
		}, b},
		"a new backlog":         {func(f *fixture) { f.curator.Set(node(b, addr)); f.backlog(node(a, addr), node(b, addr)) }, b},
		"the incumbent departs": {func(f *fixture) { f.curator.Set(node(b, addr)); f.curator.Set(node(a, addr)); f.curator.Gone(b) }, a},
		"and comes back": {func(f *fixture) {
			f.curator.Set(node(b, addr))
			f.curator.Set(node(a, addr))
			f.curator.Gone(b)
			f.curator.Set(node(b, addr))
		}, a},
		"the incumbent leaves": {func(f *fixture) {
			f.curator.Set(node(c, addr))
			f.curator.Set(node(b, addr), node(a, addr))
			f.curator.Set(node(c, "192.0.2.3"))
		}, a},
		"it leaves and others come": {func(f *fixture) {
			f.curator.Set(node(c, addr))
			f.curator.Set(node(c, "192.0.2.3"), node(b, addr), node(a, addr))
		}, a},
		"others come and it leaves": {func(f *fixture) {
			f.curator.Set(node(c, addr))
			f.curator.Set(node(b, addr), node(a, addr), node(c, "192.0.2.3"))
		}, a},
		"live before departed":    {func(f *fixture) { f.curator.Set(node(a, addr)); f.curator.Gone(a); f.curator.Set(node(b, addr)) }, b},
		"departed ones only":      {func(f *fixture) { f.curator.Set(node(b, addr)); f.curator.Set(node(a, addr)); f.backlog() }, b},
		"and one of them is back": {func(f *fixture) { f.curator.Set(node(b, addr)); f.curator.Set(node(a, addr)); f.backlog(node(a, addr)) }, a},
		"within a batch, away and back": {func(f *fixture) {
			f.curator.Set(node(b, addr))
			f.curator.Set(node(a, addr))
			f.curator.Set(node(b, "192.0.2.2"), node(b, addr))
		}, b},
		"the curator after what is saved": {func(f *fixture) { f.Saved().Set(node(b, addr)); f.curator.Set(node(a, addr), node(b, addr)) }, b},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.connect()
			test.do(f)
			f.wantReverse(addr, test.want)
			for conflict := range f.Snapshot().AddressConflicts() {
				if string(conflict.Nodes[0]) != test.want {
					t.Errorf("the conflict is %+v, want the owner of the reverse record first", conflict)
				}
			}
			f.checkShared()
		})
	}
}

// checkShared compares the list of shared addresses with the nodes.
func (f *fixture) checkShared() {
	f.t.Helper()
	claims := map[string]int{}
	for n := range f.Snapshot().All() {
		for addr := range n.Addrs() {
			claims[addr.String()]++
		}
	}
	owned := map[string]int{}
	for n := range f.Snapshot().All() {
		for _, addr := range n.Owned() {
			owned[addr.String()]++
		}
	}
	for addr, count := range claims {
		if want := min(count-1, 1); owned[addr] != want {
			f.t.Errorf("%s has %d nodes and is owned by %d, want %d", addr, count, owned[addr], want)
		}
	}
	if f.Snapshot().shared.size != len(owned) || len(f.claims) != len(owned) || len(f.restored) != 0 {
		f.t.Errorf("%d shared, %d claims, %d restored, want %d, %d and 0",
			f.Snapshot().shared.size, len(f.claims), len(f.restored), len(owned), len(owned))
	}
}

// What was saved states which of several nodes had the reverse record, in
// whatever batches it is loaded. No other source can report it.
func TestReverseRecordIsRestored(t *testing.T) {
	t.Parallel()
	const addr = "192.0.2.9"
	owner := func(id string) Entry {
		return Entry{ID: id, Addresses: testkit.Addrs(addr), Owned: testkit.Addrs(addr)}
	}
	for name, batches := range map[string][][]Entry{
		"in one batch": {{node(a, addr), owner(b), node(c, addr)}},
		"in several":   {{node(a, addr)}, {owner(b)}, {node(c, addr)}},
		"first":        {{owner(b)}, {node(a, addr), node(c, addr)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			for _, batch := range batches {
				f.Saved().Set(batch...)
			}
			f.wantReverse(addr, b)
			f.connect(node(a, addr), node(b, addr), node(c, addr))
			f.wantReverse(addr, b)
			f.checkShared()
			f.curator.Set(owner(a))
			f.wantReverse(addr, b)
			f.curator.Set(node(b, "192.0.2.2"))
			f.wantReverse(addr, a)
		})
	}
}

func TestReverseRecordOfAnAddressThatTheNodeHasNot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Saved().Set(node(a, "192.0.2.9"), node(b, "192.0.2.9"),
		Entry{ID: c, Addresses: testkit.Addrs("192.0.2.3"), Owned: append(testkit.Addrs("192.0.2.9"), netip.Addr{})})
	f.wantReverse("192.0.2.9", a)
	f.checkShared()
}

// Many nodes claim, leave and depart at random; the owner never changes unless
// it stops being a live claimant.
func TestReverseRecordsAtRandom(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect()
	random := uint32(1)
	next := func(n uint32) int { random = random*1664525 + 1013904223; return int(random >> 16 % n) }
	addrs := []string{"192.0.2.1", "192.0.2.2", "2001:db8::1"}
	for range 3000 {
		before := f.Snapshot()
		var batch []Entry
		for range 1 + next(3) {
			batch = append(batch, node(testID(1+next(6)), addrs[next(3)]))
		}
		if next(4) == 0 {
			f.curator.Gone(batch[0].ID)
		} else {
			f.curator.Set(batch...)
		}
		for _, addr := range addrs {
			was, had := before.Reverse(netip.MustParseAddr(addr))
			is, _ := f.Snapshot().Reverse(netip.MustParseAddr(addr))
			if !had || was.ID() == is.ID() {
				continue
			}
			now, _ := f.Snapshot().Lookup(string(was.ID()))
			if claims := slices.Contains(slices.Collect(now.Addrs()), netip.MustParseAddr(addr)); claims && !now.Departed() {
				t.Fatalf("%s went from %s, which still has it, to %s", addr, was.ID(), is.ID())
			}
		}
		f.checkShared()
		if t.Failed() {
			t.Fatal(fmt.Sprint(batch))
		}
	}
}
