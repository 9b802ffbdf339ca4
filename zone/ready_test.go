package zone

import (
	"fmt"
	"testing"
	"time"
)

func TestReady(t *testing.T) {
	t.Parallel()
	expecting := func(f *fixture) { f.curator.Expect(true) }
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
		{"no curator any more", []func(*fixture){expecting, func(f *fixture) { f.setLocal(); f.curator.Expect(false) }}, true},
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
	f.connect(node(a, "192.0.2.1"), node(c, "192.0.2.7"), node("bogus"), node(testID(0xd), "127.0.0.1"))
	f.want(b, "192.0.2.2")
	f.wantCounts(Counts{Live: 2, Departed: 1, Quarantined: 3})
	f.curator.SetCluster("y")
	f.want(a, "")
	f.want(b, "")
	f.want(self, "192.0.2.7")
	f.wantReverse("192.0.2.1", "")
	f.wantCounts(Counts{Live: 1})
	if cluster := f.Snapshot().Cluster(); cluster.Complete || cluster.ID != "y" {
		t.Errorf("cluster is %+v", cluster)
	}
	f.curator.SetConnected(false)
	if since := f.Snapshot().Cluster().DataSince; !since.IsZero() {
		t.Errorf("after a loss the data are of %v, want none", since)
	}
	f.backlog(node(c, "192.0.2.3"))
	f.want(c, "192.0.2.3")
}

// Refusals beyond those that are remembered by name are of the cluster that made them.
func TestAnotherClusterDropsAllRefusals(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.curator.SetCluster("x")
	var entries []Entry
	for i := range maxRefusals + 1 {
		entries = append(entries, node(fmt.Sprintf("bogus-%04d", i)))
	}
	f.connect(entries...)
	f.wantCounts(Counts{Live: 1, Quarantined: maxRefusals + 1})
	f.curator.SetCluster("y")
	f.wantCounts(Counts{Live: 1})
}

// Before the first ID of a cluster none was known, which is no other cluster.
func TestTheFirstClusterIDDropsNoNode(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Saved().Set(node(b, "192.0.2.2"))
	f.Saved().Loaded(f.wall)
	f.curator.SetCluster("x")
	f.want(b, "192.0.2.2") // what was saved is of no known cluster

	f = newFixture(t)
	f.connect(node(a, "192.0.2.1"))
	complete := f.wall
	f.pass(time.Minute)
	f.curator.SetCluster("x")
	f.want(a, "192.0.2.1")
	if c := f.Snapshot().Cluster(); c.ID != "x" || !c.Complete || !c.DataSince.Equal(complete) {
		t.Errorf("cluster is %+v", c)
	}
	if f.logged.Len() != 0 {
		t.Errorf("logged %q", &f.logged)
	}
}

// A cluster is lost no earlier than after LostAfter out of reach, be it since the
// connection was lost or since the first one was expected.
func TestClusterLost(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	want := func(what string, want bool, from time.Time) {
		t.Helper()
		since, lost := f.Snapshot().ClusterLost(f.boot)
		if lost != want || lost && !since.Equal(from) {
			t.Errorf("%s: lost %t since %v, want %t since %v", what, lost, since, want, from)
		}
	}
	lose := func(what string, do func()) {
		t.Helper()
		f.pass(time.Hour)
		from := f.wall
		do()
		want(what, false, from)
		f.pass(LostAfter)
		want(what+" for as long as that", false, from)
		f.pass(time.Nanosecond)
		want(what+" for longer", true, from)
	}
	f.pass(time.Hour)
	want("none is expected", false, time.Time{})
	lose("expected", func() { f.curator.Expect(true) })
	f.connect(node(a))
	want("connected", false, time.Time{})
	lose("disconnected", func() { f.curator.SetConnected(false) })
}

func TestClusterConnection(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.curator.Expect(true)
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
	if f.Snapshot().Cluster().Connected {
		t.Error("one that is not expected stands for the one that is")
	}
	other.SetConnected(false)
	if c := f.Snapshot().Cluster(); c.Connected || !c.LostAt.Equal(f.wall) || c.Lost != f.boot || !c.DataSince.Equal(f.wall) {
		t.Errorf("lost: %+v", c)
	}
}

// A curator that has lost its nodes must not make us lose them too.
func TestEmptyBacklogOverwritesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Saved().Set(node(a, "192.0.2.1"))
	f.Saved().Loaded(f.wall)
	f.curator.Expect(true)
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
