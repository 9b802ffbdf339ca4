package zone

import (
	"fmt"
	"net/netip"
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

func TestConflictTexts(t *testing.T) {
	nodes, addr := [2]ID{"x", "y"}, netip.MustParseAddr("192.0.2.1")
	for want, conflict := range map[string]fmt.Stringer{
		"192.0.2.1: x and y":                        AddressConflict{addr, nodes, 2},
		"192.0.2.1: x and y and 1 more":             AddressConflict{addr, nodes, 3},
		"web: x and y; none has it":                 NameConflict{"web", nodes, false, 2},
		"web: x and y and 9 more; the first has it": NameConflict{"web", nodes, true, 11},
	} {
		if got := conflict.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
