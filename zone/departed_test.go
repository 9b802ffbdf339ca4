package zone

import (
	"testing"
	"time"
)

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

func TestSettleDepartsNoNode(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Saved().Set(node(b, "192.0.2.2"))
	f.curator.Expect(true)
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
	f := newFixture(t, func(c *Config) { c.RetainDeparted = RetainForever })
	f.connect(node(a, "192.0.2.1"))
	f.curator.Gone(a)
	f.pass(100 * retention)
	f.dropExpired()
	f.wantDeparted(a, true)
}

func TestRetentionRestartsAfterReturn(t *testing.T) {
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

// Retention is by the clock that nothing steps and that goes on in suspend: a wall clock
// that is set years ahead ends none, and one that is set back prolongs none.
func TestRetentionIsNotByTheWallClock(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]time.Duration{"ahead": 10 * retention, "back": -10 * retention} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.connect(node(a, "192.0.2.1"), node(b, "192.0.2.2"))
			f.curator.Gone(a)
			f.pass(time.Hour)
			f.wall = f.wall.Add(step)
			f.pass(retention - time.Hour - time.Second)
			f.dropExpired()
			f.wantDeparted(a, true)
			f.pass(time.Second)
			f.dropExpired()
			f.want(a, "")
			f.wantCounts(Counts{Live: 2})
		})
	}
}
