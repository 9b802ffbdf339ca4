package zone

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// What was saved is one backlog, in however many batches it is loaded: none of its
// nodes is the first to claim a name, and the one that had it has it again.
func TestSavedNamesInParts(t *testing.T) {
	d := testID(0xd)
	first := Entry{ID: c, Names: []string{"db"}, OwnedNames: []string{"db"}}
	for _, parts := range [][2][]Entry{
		{{named(a, "web"), first}, {named(b, "web"), named(d, "db")}},
		{{named(d, "db"), named(b, "web")}, {first, named(a, "web")}},
	} {
		f := newFixture(t)
		f.Saved().Set(parts[0]...)
		f.Saved().Set(parts[1]...)
		f.Saved().Loaded(f.wall)
		f.wantNames("web", a+" or "+b, "db", c)
		f.connect(named(b, "web"), named(a, "web"), named(c, "db"), named(d, "db"))
		f.wantNames("web", a+" or "+b, "db", c)
		if f.namesBefore != nil || len(f.restoredNames) > 0 {
			t.Error("what the names were is kept after the load")
		}
	}
}

// A load that fails half-way does not last for ever.
func TestSavedNamesHalfLoaded(t *testing.T) {
	f := newFixture(t)
	f.Saved().Set(named(a, "web"))
	f.connect(named(b, "web"), named(a, "web"))
	f.wantNames("web", a)
	if f.namesBefore != nil {
		t.Error("what the names were is kept")
	}
}

// A backlog that is broken off says nothing of who had a name in another cluster.
func TestBacklogOfAnotherCluster(t *testing.T) {
	f := newFixture(t)
	f.curator.SetCluster("x")
	f.connect(named(a, "web"), named(b, "db"))
	f.curator.Begin()
	f.curator.Set(named(b, "db"))
	f.curator.SetCluster("y")
	f.curator.Begin()
	f.curator.Set(named(c, "web"), named(a, "web"))
	f.curator.Complete()
	f.wantNames("web", a+" or "+c)
}

// What the names were is not kept for the rest of a backlog that does not come.
func TestBacklogThatIsNotExpectedAnyMore(t *testing.T) {
	f := newFixture(t)
	f.connect(named(a, "web"))
	f.curator.Begin()
	f.curator.Expect(false)
	if f.namesBefore != nil {
		t.Error("what the names were is kept")
	}
}

// Machines that read one file agree on who comes first of nodes that none of them
// knew before, free IDs included.
func TestFreeIDsHaveOneOrder(t *testing.T) {
	var first string
	for range 10 {
		f := newFixture(t)
		var entries []Entry
		for i := range 8 {
			entries = append(entries, Entry{ID: fmt.Sprint("nas-", i), Names: []string{"store"}, Addresses: testkit.Addrs("192.0.2.1")})
		}
		file := f.FileSource("files")
		file.Set(entries...)
		n, _ := f.Snapshot().Reverse(netip.MustParseAddr("192.0.2.1"))
		got := fmt.Sprint(n.ID(), ", ", whose(f.Snapshot(), "store"))
		if first == "" {
			first = got
		}
		if got != first {
			t.Fatalf("here it is %s, there %s", got, first)
		}
	}
}
