package hostsfile

import (
	"fmt"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

// Shows hosts(5) ours.
func TestRender(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	setLocal(store, "192.0.2.7", "2001:db8::7")
	src := store.Source("test")
	join(src, 9, 3)
	src.Set(
		zone.Entry{ID: peer(5), Addresses: testkit.Addrs("10.0.0.5", "2001:db8::5"), Roles: zone.ConsensusMember},
		zone.Entry{ID: peer(6)}, // no address yet
	)
	src.Gone(peer(3))
	for _, c := range []struct {
		name    string
		limit   int
		want    string
		nodes   int
		limited bool
	}{
		{
			"sorted by ID, a line for each address, the departed one too", 0,
			peerLine(3) +
				"10.0.0.5 " + peer(5) + "\n2001:db8::5 " + peer(5) + "\n" +
				"192.0.2.7 " + string(self) + "\n2001:db8::7 " + string(self) + "\n" + peerLine(9),
			4, false,
		},
		{
			"above the limit only we and the consensus members", 4,
			"10.0.0.5 " + peer(5) + "\n2001:db8::5 " + peer(5) + "\n" +
				"192.0.2.7 " + string(self) + "\n2001:db8::7 " + string(self) + "\n",
			2, true,
		},
		{
			"at the limit all", 5,
			peerLine(3) +
				"10.0.0.5 " + peer(5) + "\n2001:db8::5 " + peer(5) + "\n" +
				"192.0.2.7 " + string(self) + "\n2001:db8::7 " + string(self) + "\n" + peerLine(9),
			4, false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := render(store.Snapshot(), c.limit, zone.Canonical{}, 0)
			if string(got.lines) != c.want || got.nodes != c.nodes || got.limited != c.limited {
				t.Errorf("got %d nodes, limited %v:\n%s\nwant %d, %v:\n%s",
					got.nodes, got.limited, got.lines, c.nodes, c.limited, c.want)
			}
		})
	}
}

func TestRetain(t *testing.T) {
	t.Parallel()
	const own = "192.0.2.7 " + string(self) + "\n"
	for _, c := range []struct {
		name, earlier, want string
		local               []string
		nodes               int
	}{
		{"nothing is known", "", "", nil, 0},
		{"peers stay, our line is added in its place", peerLine(3) + peerLine(9), peerLine(3) + own + peerLine(9), []string{"192.0.2.7"}, 3},
		{"our earlier line is corrected", "192.0.2.99 " + string(self) + "\n" + peerLine(9), own + peerLine(9), []string{"192.0.2.7"}, 2},
		{"our earlier line stays while we have no address", own + peerLine(9), own + peerLine(9), nil, 2},
		{"a peer's line with our address goes", peerLine(3) + peerLine(9), "10.0.0.3 " + string(self) + "\n" + peerLine(9), []string{"10.0.0.3"}, 2},
		{"two blocks become one", peerLine(9) + peerLine(3) + peerLine(9), peerLine(3) + peerLine(9), nil, 2},
		{"what is not ours is left out", "junk\n127.0.0.1 localhost\n" + peerLine(3), peerLine(3), nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			store := newStore(t)
			src := store.Source("test")
			src.Expect(true)
			setLocal(store, c.local...)
			join(src, 4) // of a backlog that is not complete
			got := retain([]byte(c.earlier), linesOfLocal(store.Snapshot().Local(), zone.Canonical{}), form)
			if string(got.lines) != c.want || got.nodes != c.nodes {
				t.Errorf("got %d nodes:\n%s\nwant %d:\n%s", got.nodes, got.lines, c.nodes, c.want)
			}
		})
	}
}

// BenchmarkRender is what a change costs without the write.
func BenchmarkRender(b *testing.B) {
	for _, size := range []int{1_000, 100_000, 1_000_000} {
		for name, names := range map[string]bool{"IDs": false, "names": true} {
			b.Run(fmt.Sprint(size, "/", name), func(b *testing.B) {
				snap := crowd(b, size, names).Snapshot()
				before := 0
				b.ReportAllocs()
				for b.Loop() {
					t := render(snap, 0, zone.Canonical{Domain: "nodes.example"}, before)
					before = len(t.lines)
					b.SetBytes(int64(before))
				}
			})
		}
	}
}

// crowd is a zone of so many nodes besides us, with names or without.
func crowd(t testing.TB, size int, names bool) *zone.Store {
	t.Helper()
	store := newStore(t)
	setLocal(store, "192.0.2.7")
	src := store.Source("bench")
	src.Begin()
	entries := make([]zone.Entry, 0, size)
	for n := range size {
		e := zone.Entry{ID: peer(n + 8), Addresses: testkit.Addrs(peerAddr(n + 8))}
		if names {
			e.Names = []string{fmt.Sprint("web-", n)}
		}
		entries = append(entries, e)
	}
	src.Set(entries...)
	src.Complete()
	return store
}

func TestRenderAllocatesNothingPerNode(t *testing.T) {
	for name, names := range map[string]bool{"IDs": false, "names": true} {
		snap := crowd(t, 5000, names).Snapshot()
		before := len(render(snap, 0, zone.Canonical{Domain: "nodes.example"}, 0).lines)
		got := testing.AllocsPerRun(5, func() { render(snap, 0, zone.Canonical{Domain: "nodes.example"}, before) })
		if got > 1 {
			t.Errorf("%v allocations for 5000 nodes with %s, want one", got, name)
		}
	}
}
