package zone

import (
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
)

// The age of what was saved survives, until the cluster reports something else.
func TestAgesOfSavedNodes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	learnt := f.wall.Add(-100 * time.Hour)
	f.Saved().Set(
		Entry{ID: a, Addresses: testkit.Addrs("192.0.2.1"), Since: learnt},
		Entry{ID: b, Addresses: testkit.Addrs("192.0.2.2"), Since: learnt},
		Entry{ID: c, Addresses: testkit.Addrs("192.0.2.3")},
	)
	check := func(id string, want time.Time) {
		t.Helper()
		if n, _ := f.Snapshot().Lookup(id); !n.Since().Equal(want) {
			t.Errorf("%s since %v, want %v", id, n.Since(), want)
		}
	}
	check(a, learnt)
	check(c, f.wall)
	f.pass(time.Minute)
	f.connect(node(a, "192.0.2.1"), Entry{ID: b, Addresses: testkit.Addrs("192.0.2.9"), Since: learnt})
	check(a, learnt)
	check(b, f.wall) // a live source does not know ages
}
