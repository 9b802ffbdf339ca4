package zone

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A backlog without an end costs what the zone may hold, and no more.
func TestEndlessBacklogIsBounded(t *testing.T) {
	t.Parallel()
	const most = 100
	f := newFixture(t, func(c *Config) { c.MaxNodes = most })
	f.curator.Expect(true)
	f.curator.SetConnected(true)
	f.curator.Begin()
	for i := range 5000 {
		f.curator.Set(node(testID(i), "192.0.2.1"), Entry{ID: fmt.Sprintf("METROPOLIS-%032X", uint64(1)<<40+uint64(i))}, Entry{ID: fmt.Sprint("bogus ", i)})
	}
	for name, size := range map[string]int{
		"seen":     len(f.curator.seen),
		"spelled":  len(f.curator.spelled),
		"named":    len(f.refusals.named) - maxRefusals,
		"withheld": len(f.withheld),
	} {
		if size > 2*most {
			t.Errorf("%s holds %d, want at most %d", name, size, 2*most)
		}
	}
	if live := f.Snapshot().Counts().Live; live > most+1 {
		t.Errorf("%d nodes, want at most %d", live, most)
	}
	if log := f.logged.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "the zone is full") {
		t.Errorf("before the backlog ends: %s, want a line on the zone that is full", log)
	}
	f.logged.Reset()
	f.curator.Complete()
	if lines := strings.Count(f.logged.String(), "\n"); lines != 1 || f.logged.Len() > 2000 {
		t.Errorf("%d lines, want one: %s", lines, &f.logged)
	}
}

// What is refused one by one, however often, is a line from time to time.
func TestRefusalsAreLoggedSeldom(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1"))
	const seconds = 30
	for i := range 1000 * seconds {
		f.curator.Set(node(a, []string{"192.0.2.1", "127.0.0.1"}[i%2]))
		f.pass(time.Millisecond)
	}
	f.pass(refusalLogInterval)
	f.flushLateRefusals()
	lines := strings.Count(f.logged.String(), "invalid cluster entries ignored")
	if most := seconds/int(refusalLogInterval/time.Second) + 2; lines > most || lines < 2 {
		t.Errorf("%d lines, want at most %d", lines, most)
	}
	f.want(a, "192.0.2.1")
}

func TestWarnsOfLoss(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, after int
		share         string // empty: no warning
	}{
		"half":         {9, 4, "share=50%"}, // and this machine
		"nearly all":   {99, 1, "share=98%"},
		"a third":      {8, 5, ""},
		"none":         {5, 5, ""},
		"only another": {1, 0, "share=50%"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			var entries []Entry
			for i := range test.before {
				entries = append(entries, node(testID(1000+i), fmt.Sprintf("192.0.2.%d", i+1)))
			}
			f.connect(entries...)
			f.backlog(entries[:test.after]...)
			log := f.logged.String()
			if warned := strings.Contains(log, "a large part"); warned != (test.share != "") || !strings.Contains(log, test.share) {
				t.Errorf("logged %q, want a warning with %q", log, test.share)
			}
			f.want(testID(1000), "192.0.2.1")
		})
	}
}

func TestAddressConflicts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1"), node(b, "192.0.2.2"), node(c, "192.0.2.2", "2001:db8::1"))
	before := f.Snapshot()
	list := func(s *Snapshot) string {
		var all []string
		for c := range s.AddressConflicts() {
			all = append(all, fmt.Sprintf("%s %s %s %d", c.Addr, c.Nodes[0], c.Nodes[1], c.Count))
		}
		return strings.Join(all, ", ")
	}
	if got, want := list(before), fmt.Sprintf("192.0.2.2 %s %s 2", b, c); got != want {
		t.Errorf("conflicts %q, want %q", got, want)
	}
	f.curator.Set(node(a, "192.0.2.2"))
	fresh := 0
	for range f.Snapshot().NewAddressConflicts(before) {
		fresh++
	}
	if got, want := list(f.Snapshot()), fmt.Sprintf("192.0.2.2 %s %s 3", b, a); got != want || fresh != 1 {
		t.Errorf("conflicts %q, want %q; %d are new, want 1", got, want, fresh)
	}
	f.curator.Gone(a, b) // departed nodes claim nothing
	if got := list(f.Snapshot()); got != "" || f.Snapshot().Counts().AddressConflicts != 0 {
		t.Errorf("conflicts %q, want none", got)
	}
}

// New are the conflicts of another address or of other nodes, each of them; that a
// third node claims an address too is none.
func TestNewAddressConflicts(t *testing.T) {
	t.Parallel()
	const x, y, z = "192.0.2.1", "192.0.2.2", "192.0.2.3"
	f := newFixture(t)
	f.connect(node(b, x), node(testID(0xd), y))
	fresh := func(old *Snapshot, want ...string) {
		t.Helper()
		var got []string
		for c := range f.Snapshot().NewAddressConflicts(old) {
			got = append(got, fmt.Sprintf("%s %s %s", c.Addr, c.Nodes[0], c.Nodes[1]))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("new are %q, want %q", got, want)
		}
	}
	none := f.Snapshot()
	f.curator.Set(node(c, x), node(testID(0xe), y))
	two := f.Snapshot()
	fresh(none, x+" "+b+" "+c, y+" "+testID(0xd)+" "+testID(0xe))
	fresh(two)

	f.curator.Set(node(testID(0xf), y), node(testID(0x10), z)) // a third claimant, and no conflict
	fresh(two)
	f.curator.Set(node(a, x)) // in the place of c
	fresh(two, x+" "+b+" "+a)

	// Another one has the reverse record, with the same other node.
	f.curator.Set(node(b, z), node(a, z))
	f.curator.Set(node(a, x))
	fresh(two, x+" "+c+" "+a, z+" "+testID(0x10)+" "+b)
	one := f.Snapshot()
	f.curator.Set(node(c, z), node(a, z))
	f.curator.Set(node(b, x))
	f.curator.Set(node(a, x))
	fresh(one, x+" "+b+" "+a, z+" "+testID(0x10)+" "+c)

	f.curator.Gone(a, b)
	fresh(none, y+" "+testID(0xd)+" "+testID(0xe), z+" "+testID(0x10)+" "+c)
}

// The share of what is missing is that of the nodes which depart: we do not, and
// a node with an entry that is withheld is one node.
func TestShareOfALoss(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.1")
	f.connect(node(a, "192.0.2.2"), node(b, "192.0.2.3"), node(c, "192.0.2.4"))
	f.curator.Set(node(b, "192.0.2.1")) // ours
	f.logged.Reset()
	f.curator.Begin()
	f.curator.Set(node(a, "192.0.2.2"), node(c, "192.0.2.4"))
	f.curator.Complete()
	if log := f.logged.String(); strings.Contains(log, "a large part") {
		t.Errorf("one of four departed, and logged is %q", log)
	}
	f.curator.Begin()
	f.curator.Set(node(a, "192.0.2.2"))
	f.curator.Complete()
	if log := f.logged.String(); strings.Contains(log, "a large part") {
		t.Errorf("one of three departed, and logged is %q", log)
	}
}
