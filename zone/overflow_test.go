package zone

import (
	"strings"
	"testing"
)

func TestDefaultMaxNodes(t *testing.T) {
	t.Parallel()
	if f := newFixture(t); f.max != 1_000_000 {
		t.Errorf("a zone holds %d nodes, want 1,000,000", f.max)
	}
}

// A zone that is full reports that it lacks nodes, until a complete backlog
// fits.
func TestOverflow(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.MaxNodes = 3 }) // our own record among them
	want := func(what string, over bool) {
		t.Helper()
		if got := f.Snapshot().Overflowed(); got != over {
			t.Errorf("%s: overflowed is %v, want %v", what, got, over)
		}
	}
	full := []Entry{node(a, "192.0.2.1"), node(b, "192.0.2.2"), node(c, "192.0.2.3")}
	f.connect(full[:2]...)
	want("as many as there is room for", false)
	f.curator.Set(full[2])
	want("one more", true)
	f.want(c, "")
	f.curator.Set(node(a, "192.0.2.11"))
	want("a known node moves", true)
	f.backlog(full...)
	want("another backlog that does not fit", true)
	f.curator.Begin()
	f.curator.Set(Entry{ID: self}, full[0])
	want("a backlog that fits is not complete", true)
	f.curator.SetConnected(false)
	want("nor will it ever be", true)
	f.connect(full[0], full[2])
	want("a complete backlog that fits", true) // b was there yet when c came
	f.backlog(full[0], full[2])
	want("and once more", false)
	f.want(c, "192.0.2.3")
	f.want(b, "") // departed, it made room
	if got := strings.Count(f.logged.String(), "the zone is full: "); got != 1 {
		t.Errorf("%d lines on the overflow, want 1:\n%s", got, &f.logged)
	}
	if got := strings.Count(f.logged.String(), "has all nodes of the cluster again"); got != 1 {
		t.Errorf("%d lines on its end, want 1", got)
	}
}

// What the cluster reports of this machine does not depend on the others.
func TestThereIsRoomForThisMachine(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.MaxNodes = 1 })
	f.curator.Set(node(a, "192.0.2.1"), Entry{ID: self, Roles: ConsensusMember})
	if f.Snapshot().Local().Roles() != ConsensusMember || f.Snapshot().Overflowed() {
		t.Error("this machine found no room")
	}
}

// Each source has an overflow of its own, and another cluster none.
func TestOverflowIsOfASource(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.MaxNodes = 2 })
	other := f.Source("other")
	other.Begin()
	other.Set(node(a, "192.0.2.1"), node(b, "192.0.2.2"), node(c, "192.0.2.3"))
	other.Complete()
	f.curator.SetCluster("x")
	f.curator.Begin()
	f.curator.Set(node(a, "192.0.2.1"))
	f.curator.Complete()
	if !f.Snapshot().Overflowed() {
		t.Error("the nodes of another source are missing still")
	}
	f.curator.SetCluster("y")
	if !f.Snapshot().Overflowed() {
		t.Error("the nodes of another source are missing after a change of the cluster")
	}
	other.SetCluster("x")
	other.SetCluster("y")
	if f.Snapshot().Overflowed() {
		t.Error("the overflow outlives its cluster")
	}
}

// What an earlier run saved may not fit either; the cluster's backlog settles it.
func TestOverflowOfWhatWasSaved(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.MaxNodes = 2 })
	f.Saved().Set(node(a, "192.0.2.1"), node(b, "192.0.2.2"), node(c, "192.0.2.3"))
	f.Saved().Loaded(f.wall)
	if !f.Snapshot().Overflowed() {
		t.Error("what was saved and did not fit is forgotten")
	}
	f.curator.Begin()
	f.curator.Set(node(a, "192.0.2.1"), node(b, "192.0.2.2"))
	f.curator.Complete()
	if f.Snapshot().Overflowed() {
		t.Error("the backlog has fit")
	}
}

// Nodes that left do not keep those out which came.
func TestDepartedNodesMakeRoom(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.MaxNodes = 3 })
	f.connect(node(a, "192.0.2.1"), node(b, "192.0.2.2"))
	f.curator.Gone(a)
	f.curator.Set(node(c, "192.0.2.1"))
	f.want(a, "")
	f.want(b, "192.0.2.2")
	f.wantReverse("192.0.2.1", c)
	f.wantCounts(Counts{Live: 3})
	if f.Snapshot().Overflowed() {
		t.Error("there was room")
	}
}
