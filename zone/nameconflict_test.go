package zone

import (
	"slices"
	"testing"
)

// News are a name that nodes have begun to share, other nodes, and another owner:
// not what was known, not a third node, and not a conflict that ended.
func TestNewNameConflicts(t *testing.T) {
	f := newFixture(t)
	owned := func(owner, other string) NameConflict {
		return NameConflict{"web", [2]ID{ID(owner), ID(other)}, true, 2}
	}
	last := f.Snapshot()
	news := func(why string, want ...NameConflict) {
		t.Helper()
		now := f.Snapshot()
		if got := slices.Collect(now.NewNameConflicts(last)); !slices.Equal(got, want) {
			t.Errorf("%s: news are %v, want %v", why, got, want)
		}
		last = now
	}
	f.connect(named(a, "web"))
	news("one node")
	f.curator.Set(named(b, "web"))
	news("two nodes", owned(a, b))
	f.curator.Set(named(c, "db"))
	news("another name")
	f.curator.Set(named(c, "web"))
	news("a third node")
	f.curator.Gone(c)
	news("the third has departed")
	f.curator.Gone(a)
	news("the owner has departed")
	f.curator.Set(named(a, "web"))
	news("it is back, and the other one has the name", owned(b, a))
	f.curator.Set(named(a))
	f.curator.Set(named(c, "web"))
	news("other nodes", owned(b, c))
}
