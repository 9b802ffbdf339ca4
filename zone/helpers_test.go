package zone

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
)

// fixture is a Store with clocks that stand still until the test moves them.
type fixture struct {
	*Store
	t       *testing.T
	boot    time.Duration
	wall    time.Time
	logged  bytes.Buffer
	curator *Source
}

const retention = 168 * time.Hour

// self is the local node of every fixture, and nodes a, b, c are others.
var (
	self = testID(0x5e)
	a    = testID(0xa)
	b    = testID(0xb)
	c    = testID(0xc)
)

func testID(n int) string { return fmt.Sprintf("metropolis-%032x", n) }

func newFixture(t *testing.T, change ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, wall: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	cfg := Config{
		Local:          ID(self),
		RetainDeparted: RetainFor(retention),
		Clock:          func() time.Duration { return f.boot },
		Now:            func() time.Time { return f.wall },
		Logger:         slog.New(slog.NewTextHandler(&f.logged, nil)),
	}
	for _, change := range change {
		change(&cfg)
	}
	s, err := NewStore(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Store = s
	f.curator = s.Source("curator")
	return f
}

func (f *fixture) pass(d time.Duration) {
	f.boot += d
	f.wall = f.wall.Add(d)
}

// connect brings the curator up with a complete backlog.
func (f *fixture) connect(entries ...Entry) {
	f.curator.Expect(true)
	f.curator.SetConnected(true)
	f.backlog(entries...)
}

// backlog is a complete one. This machine is in it, as in every cluster's.
func (f *fixture) backlog(entries ...Entry) {
	f.curator.Begin()
	if f.Snapshot().local.shaped {
		f.curator.Set(Entry{ID: self})
	}
	f.curator.Set(entries...)
	f.curator.Complete()
}

// node is a node at some addresses, or at what is none.
func node(id string, addresses ...string) Entry {
	e := Entry{ID: id, State: StateUp}
	for _, text := range addresses {
		if addr, err := netip.ParseAddr(text); err == nil {
			e.Addresses = append(e.Addresses, addr)
		} else {
			e.Malformed = text
		}
	}
	return e
}

// want checks a node's addresses, "-" meaning none and "" that it is not there.
func (f *fixture) want(id, addresses string) {
	f.t.Helper()
	if got := show(f.Snapshot(), id); got != addresses {
		f.t.Errorf("%s is %q, want %q", id, got, addresses)
	}
}

func show(s *Snapshot, id string) string {
	n, ok := s.Lookup(id)
	if !ok {
		return ""
	}
	var addrs []string
	for addr := range n.Addrs() {
		addrs = append(addrs, addr.String())
	}
	if addrs == nil {
		return "-"
	}
	return strings.Join(addrs, " ")
}

func (f *fixture) wantReverse(addr, id string) {
	f.t.Helper()
	n, _ := f.Snapshot().Reverse(netip.MustParseAddr(addr))
	if got := string(n.ID()); got != id {
		f.t.Errorf("reverse of %s is %q, want %q", addr, got, id)
	}
}

func (f *fixture) wantCounts(want Counts) {
	f.t.Helper()
	if got := f.Snapshot().Counts(); got != want {
		f.t.Errorf("counts are %+v, want %+v", got, want)
	}
}

func (f *fixture) wantDeparted(id string, want bool) {
	f.t.Helper()
	n, ok := f.Snapshot().Lookup(id)
	if !ok || n.Departed() != want {
		f.t.Errorf("%s: there %v, departed %v, want %v", id, ok, n.Departed(), want)
	}
}

func (f *fixture) setLocal(addrs ...string) {
	f.SetLocal(testkit.Addrs(addrs...))
}

// ids lists what All yields.
func ids(s *Snapshot) []string {
	var all []string
	for n := range s.All() {
		all = append(all, string(n.ID()))
	}
	return all
}

// unchanged checks that something publishes nothing.
func (f *fixture) unchanged(what string, do func()) {
	f.t.Helper()
	before := f.Snapshot()
	do()
	if f.Snapshot() != before {
		f.t.Errorf("%s: published serial %d, want nothing new", what, f.Snapshot().Serial())
	}
}

func sorted(s []string) bool { return slices.IsSorted(s) }
