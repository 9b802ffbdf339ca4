package zone

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
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
	if got := ids(f.Snapshot()); len(got) != 3 || !sorted(got) {
		t.Errorf("all: %v, want three sorted", got)
	}
	f = newFixture(t, func(c *Config) { c.Local = "alpha" })
	f.connect(node(a))
	if got := ids(f.Snapshot()); len(got) != 2 || got[0] != "alpha" {
		t.Errorf("all: %v, want alpha first", got)
	}
}

func TestPrecedenceLocalAddressesWinOverCluster(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7", "2001:db8::7")
	f.connect(Entry{ID: self, Addresses: []string{"192.0.2.66"}, Roles: ConsensusMember})
	f.want(self, "192.0.2.7 2001:db8::7")
	f.wantReverse("192.0.2.7", self)
	f.wantReverse("192.0.2.66", "")
	f.wantCounts(Counts{Live: 1})
}

func TestPrecedenceClusterAddressOfOursIsIgnoredWithoutALocalOne(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(self, "192.0.2.66"))
	f.want(self, "-")
}

func TestPrecedenceLocalRolesComeFromCluster(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	f.connect(Entry{ID: self, Roles: ConsensusMember | KubernetesWorker, CuratorPort: 7835})
	local := f.Snapshot().Local()
	if local.Roles().String() != "consensus-member,kubernetes-worker" || local.CuratorPort() != 7835 {
		t.Errorf("roles %q, port %d", local.Roles(), local.CuratorPort())
	}
	if local.Source() != LocalSource {
		t.Errorf("source %q", local.Source())
	}
}

func TestPrecedenceCuratorWinsOverSaved(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Saved().Set(node(a, "192.0.2.1"), node(b, "192.0.2.2"))
	f.want(a, "192.0.2.1")
	f.connect(node(a, "192.0.2.11"))
	f.Saved().Set(node(a, "192.0.2.1"))
	f.want(a, "192.0.2.11")
	f.want(b, "192.0.2.2")
	f.wantDeparted(b, true)
}

func TestPrecedenceEarlierSourceWins(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	later := f.Source("file")
	later.Set(node(a, "192.0.2.1"))
	f.curator.Set(node(a, "192.0.2.2"))
	later.Set(node(a, "192.0.2.3"))
	later.Gone(a)
	f.want(a, "192.0.2.2")
	f.wantDeparted(a, false)
}

func TestMissingAddressKeepsTheLastKnown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1", "2001:db8::1"), node(b))
	f.curator.Set(Entry{ID: a, Roles: KubernetesWorker})
	f.want(a, "192.0.2.1 2001:db8::1")
	f.want(b, "-")
	if n, _ := f.Snapshot().Lookup(a); n.Roles() != KubernetesWorker {
		t.Error("the new role is not seen")
	}
}

func TestStateDoesNotChangeAnswers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(Entry{ID: a, Addresses: []string{"192.0.2.1"}, State: StateDecommissioned})
	f.want(a, "192.0.2.1")
	f.wantReverse("192.0.2.1", a)
}

func TestLastLocalAddressStays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7", "2001:db8::7")
	f.setLocal("2001:db8::7")
	f.want(self, "2001:db8::7")
	f.unchanged("an empty list", func() { f.setLocal() })
	f.want(self, "2001:db8::7")
	f.setLocal("127.0.0.1", "192.0.2.8", "fe80::1")
	f.want(self, "192.0.2.8")
}

func TestNoChangePublishesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	f.Saved().SetCluster("x")
	f.connect(node(a, "192.0.2.1"), node("nonsense"))
	f.curator.Gone(b)
	for what, do := range map[string]func(){
		"the same address":    func() { f.setLocal("192.0.2.7") },
		"the same node":       func() { f.curator.Set(node(a, "192.0.2.1")) },
		"an empty address":    func() { f.curator.Set(node(a)) },
		"an unknown node":     func() { f.curator.Gone(b) },
		"the same refusal":    func() { f.curator.Set(node("nonsense")) },
		"the same cluster":    func() { f.curator.SetCluster("x") },
		"no cluster":          func() { f.curator.SetCluster("") },
		"connected twice":     func() { f.curator.SetConnected(true) },
		"expected twice":      func() { f.ExpectCluster(true) },
		"nothing":             func() { f.curator.Set() },
		"settled when ready":  func() { f.curator.Settle() },
		"an unframed end":     func() { f.curator.Complete() },
		"a name in no shape":  func() { f.curator.Gone("x") },
		"the same full names": func() { f.backlog(node(a, "192.0.2.1"), node("nonsense")) },
	} {
		f.unchanged(what, do)
	}
}

func TestRoleChangeIsPublished(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1"))
	before := f.Snapshot()
	f.curator.Set(Entry{ID: a, Addresses: []string{"192.0.2.1"}, State: StateUp, Roles: ConsensusMember})
	if f.Snapshot().Serial() != before.Serial()+1 {
		t.Error("a role change published nothing")
	}
	f.connect(Entry{ID: self, Roles: ConsensusMember})
	if f.Snapshot().Local().Roles() != ConsensusMember {
		t.Error("a role change of ours was not seen")
	}
}

func TestDepartedByTombstone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1"), node(b, "192.0.2.2"))
	f.pass(time.Hour)
	f.curator.Gone(a)
	f.want(a, "192.0.2.1")
	f.wantDeparted(a, true)
	f.wantCounts(Counts{Live: 2, Departed: 1})
	if n, _ := f.Snapshot().Lookup(a); !n.Since().Equal(f.wall) {
		t.Errorf("departed since %v, want %v", n.Since(), f.wall)
	}
	f.unchanged("a second tombstone", func() { f.curator.Gone(a) })
	f.pass(time.Hour)
	f.curator.Set(node(a))
	f.want(a, "192.0.2.1")
	f.wantDeparted(a, false)
	f.wantCounts(Counts{Live: 3})
}

func TestDepartedByAbsenceFromCompleteBacklogOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1"), node(b, "192.0.2.2"))
	f.curator.SetConnected(false)
	f.curator.SetConnected(true)
	f.curator.Begin()
	f.curator.Set(node(a, "192.0.2.1"))
	f.wantDeparted(b, false)
	f.curator.SetConnected(false)
	f.curator.Begin()
	f.curator.Set(node(b, "192.0.2.2"))
	f.curator.Complete()
	f.wantDeparted(a, true)
	f.wantDeparted(b, false)
}

func TestSettleDepartsNobody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Saved().Set(node(b, "192.0.2.2"))
	f.ExpectCluster(true)
	f.curator.SetConnected(true)
	f.curator.Begin()
	f.curator.Set(node(a, "192.0.2.1"))
	f.curator.Settle()
	f.wantDeparted(b, false)
	if s := f.Snapshot(); !s.Ready() || s.Cluster().Complete {
		t.Errorf("ready %v, complete %v", s.Ready(), s.Cluster().Complete)
	}
}

func TestRetentionCountsConnectedTimeOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1"), node(b, "192.0.2.2"))
	f.curator.Gone(a)
	f.pass(retention - time.Hour)
	f.curator.SetConnected(false)
	f.pass(10 * retention)
	f.dropExpired()
	f.wantDeparted(a, true)
	f.curator.SetConnected(true)
	f.pass(time.Hour - time.Second)
	f.dropExpired()
	f.wantDeparted(a, true)
	f.pass(time.Second)
	f.dropExpired()
	f.want(a, "")
	f.wantReverse("192.0.2.1", "")
	f.wantCounts(Counts{Live: 2})
}

func TestRetentionForever(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.RetainDeparted = -1 })
	f.connect(node(a, "192.0.2.1"))
	f.curator.Gone(a)
	f.pass(100 * retention)
	f.dropExpired()
	f.wantDeparted(a, true)
}

func TestRetentionStartsAnewAfterReturn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1"))
	f.curator.Gone(a)
	f.pass(retention - time.Second)
	f.curator.Set(node(a))
	f.curator.Gone(a)
	f.pass(time.Hour)
	f.dropExpired()
	f.wantDeparted(a, true)
}

func TestDepartedMarksSurviveRestart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1"))
	f.curator.Gone(a)
	f.pass(100 * time.Hour)
	counted := f.DepartedFor()[ID(a)]
	n, _ := f.Snapshot().Lookup(a)

	next := newFixture(t)
	entry := node(a, "192.0.2.1")
	entry.Departed, entry.Counted = n.Since(), counted
	next.Saved().Set(entry)
	next.wantDeparted(a, true)
	if m, _ := next.Snapshot().Lookup(a); !m.Since().Equal(n.Since()) {
		t.Errorf("departed since %v, want %v", m.Since(), n.Since())
	}
	next.connect()
	next.pass(68*time.Hour - time.Second)
	next.dropExpired()
	next.wantDeparted(a, true)
	next.pass(time.Second)
	next.dropExpired()
	next.want(a, "")
}

func TestOnlySavedEntriesSayDeparted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	entry := node(a, "192.0.2.1")
	entry.Departed = f.wall
	f.curator.Set(entry)
	f.wantDeparted(a, false)
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
	f.wantReverse(shared, a) // of the departed the smallest
	f.curator.Set(node(c, "192.0.2.3"))
	f.wantReverse(shared, a)
	f.pass(retention)
	f.dropExpired()
	f.wantReverse(shared, "")
	if len(f.claims) != 0 {
		t.Errorf("%d contested addresses left, want 0", len(f.claims))
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	expecting := func(f *fixture) { f.ExpectCluster(true) }
	for _, test := range []struct {
		name string
		do   []func(*fixture)
		want bool
	}{
		{"nothing", nil, false},
		{"local only", []func(*fixture){func(f *fixture) { f.setLocal() }}, true},
		{"curator expected", []func(*fixture){expecting, func(f *fixture) { f.setLocal("192.0.2.7") }}, false},
		{"backlog begun", []func(*fixture){expecting, func(f *fixture) { f.curator.Begin(); f.curator.Set(node(a)) }}, false},
		{"backlog complete", []func(*fixture){expecting, func(f *fixture) { f.backlog(node(a)) }}, true},
		{"backlog of this machine only", []func(*fixture){expecting, func(f *fixture) { f.backlog() }}, true},
		{"empty backlog complete", []func(*fixture){expecting, func(f *fixture) { f.curator.Begin(); f.curator.Complete() }}, false},
		{"settled", []func(*fixture){expecting, func(f *fixture) { f.curator.Settle() }}, true},
		{"saved being loaded", []func(*fixture){expecting, func(f *fixture) { f.Saved().Set(node(a)) }}, false},
		{"saved loaded", []func(*fixture){expecting, func(f *fixture) { f.Saved().Set(node(a)); f.Saved().Loaded(f.wall) }}, true},
		{"lost after a backlog", []func(*fixture){expecting, func(f *fixture) { f.connect(); f.curator.SetConnected(false) }}, true},
		{"another cluster", []func(*fixture){expecting, func(f *fixture) {
			f.curator.SetCluster("x")
			f.connect(node(a))
			f.curator.SetCluster("y")
		}}, false},
		{"no curator any more", []func(*fixture){expecting, func(f *fixture) { f.setLocal(); f.ExpectCluster(false) }}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			for _, do := range test.do {
				do(f)
			}
			if got := f.Snapshot().Ready(); got != test.want {
				t.Errorf("ready is %v, want %v", got, test.want)
			}
		})
	}
}

func TestAnotherClusterDropsEverything(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	f.Saved().SetCluster("x")
	f.Saved().Set(node(b, "192.0.2.2"))
	f.Saved().Loaded(f.wall)
	f.curator.SetCluster("x")
	f.connect(node(a, "192.0.2.1"), node(c, "192.0.2.7"))
	f.want(b, "192.0.2.2")
	f.curator.SetCluster("y")
	f.want(a, "")
	f.want(b, "")
	f.want(self, "192.0.2.7")
	f.wantReverse("192.0.2.1", "")
	f.wantCounts(Counts{Live: 1})
	if cluster := f.Snapshot().Cluster(); cluster.Complete || cluster.ID != "y" {
		t.Errorf("cluster is %+v", cluster)
	}
	f.backlog(node(c, "192.0.2.3"))
	f.want(c, "192.0.2.3")
}

func TestClusterConnection(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.ExpectCluster(true)
	if c := f.Snapshot().Cluster(); c.Connected || !c.LostAt.Equal(f.wall) {
		t.Errorf("before the first connection: %+v", c)
	}
	f.pass(time.Minute)
	f.connect(node(a))
	complete := f.wall
	if c := f.Snapshot().Cluster(); !c.Connected || !c.LostAt.IsZero() || !c.DataSince.Equal(complete) {
		t.Errorf("connected: %+v", c)
	}
	f.pass(time.Hour)
	other := f.Source("other")
	other.SetConnected(true)
	f.curator.SetConnected(false)
	if !f.Snapshot().Cluster().Connected {
		t.Error("the other source is still connected")
	}
	other.SetConnected(false)
	if c := f.Snapshot().Cluster(); c.Connected || !c.LostAt.Equal(f.wall) || c.Lost != f.boot || !c.DataSince.Equal(f.wall) {
		t.Errorf("lost: %+v", c)
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
		if _, ok := s.LookupLabel(label); !ok || !s.HasIDShape(label) {
			t.Error("not found")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

// A curator that has lost its nodes must not make us lose them too.
func TestEmptyBacklogOverwritesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Saved().Set(node(a, "192.0.2.1"))
	f.Saved().Loaded(f.wall)
	f.ExpectCluster(true)
	f.curator.SetConnected(true)
	f.unchanged("an empty backlog", func() { f.curator.Begin(); f.curator.Complete() })
	f.curator.Begin()
	f.curator.Set(node("bogus"))
	f.curator.Complete()
	f.wantDeparted(a, false)
	if f.Snapshot().Cluster().Complete {
		t.Error("an empty backlog counts as complete")
	}
	f.backlog()
	f.wantDeparted(a, true)
}

func TestDataSinceIsThatOfTheLastCompleteBacklog(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.curator.SetCluster("x")
	f.connect(node(a))
	f.pass(time.Hour)
	f.curator.SetConnected(false)
	lost := f.wall
	f.pass(24 * time.Hour)
	f.curator.SetConnected(true)
	f.curator.Begin()
	f.curator.Set(node(b))
	f.pass(time.Minute)
	f.curator.SetConnected(false)
	if got := f.Snapshot().Cluster().DataSince; !got.Equal(lost) {
		t.Errorf("after a backlog that was cut: %v, want %v", got, lost)
	}
	f.curator.SetCluster("y")
	if got := f.Snapshot().Cluster().DataSince; !got.IsZero() {
		t.Errorf("of another cluster: %v, want none", got)
	}
}

func TestTombstoneOfOurOwnIDIsIgnored(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	f.connect(Entry{ID: self, Roles: ConsensusMember})
	f.curator.Gone(self)
	f.pass(2 * retention)
	f.dropExpired()
	f.want(self, "192.0.2.7")
	if len(f.DepartedFor()) != 0 || f.Snapshot().Local().Roles() != ConsensusMember {
		t.Errorf("marks %v, roles %v", f.DepartedFor(), f.Snapshot().Local().Roles())
	}
}

func TestLocalAddressesAreEachPublishedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7", "2001:db8::7", "192.0.2.7")
	f.want(self, "192.0.2.7 2001:db8::7")
}
