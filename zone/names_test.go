package zone

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

func keyOf(t *testing.T, src *Source, id string) key {
	t.Helper()
	k, _, err := src.keyOf(id)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// named is an entry with readable names.
func named(id string, names ...string) Entry { return Entry{ID: id, Names: names} }

// whose is who has a name: an ID, "" where no node claims it, and both IDs with "or"
// between them where it is contested.
func whose(s *Snapshot, name string) string {
	o := s.LookupName([]byte(name))
	switch {
	case o.Contested():
		return string(o.Rivals.Nodes()[0].ID() + " or " + o.Rivals.Nodes()[1].ID())
	case o.Exists():
		return string(o.Node.ID())
	}
	return ""
}

// wantNames checks who has which names, given as name and ID in turn.
func (f *fixture) wantNames(pairs ...string) {
	f.t.Helper()
	for pair := range slices.Chunk(pairs, 2) {
		if got := whose(f.Snapshot(), pair[0]); got != pair[1] {
			f.t.Errorf("%s belongs to %q, want %q", pair[0], got, pair[1])
		}
	}
	f.checkNames()
}

// checkNames compares the index with what the nodes claim, from scratch.
func (f *fixture) checkNames() {
	f.t.Helper()
	s := f.Snapshot()
	slots, fromFiles, free := 0, 0, 0
	above := map[string]uint32{}
	claims := map[string]int{}
	for n := range s.All() {
		if n.HasFreeID() && !n.IsLocal() {
			free++
		}
		for name := range n.Names() {
			slots++
			if name.Origin == NameFromFile {
				fromFiles++
			}
			if !n.Departed() {
				claims[name.Text]++
			}
			for _, rest, below := strings.Cut(name.Text, "."); below; _, rest, below = strings.Cut(rest, ".") {
				above[rest]++
			}
			o := s.LookupName([]byte(name.Text))
			if name.Owned != (o.Node.Exists() && o.Node.ID() == n.ID()) {
				f.t.Errorf("%s has %s: %t, and by its name %q", n.ID(), name.Text, name.Owned, whose(s, name.Text))
			}
		}
	}
	conflicts := 0
	for _, n := range claims {
		if n > 1 {
			conflicts++
		}
	}
	if x := &s.names; x.slots.size != slots || x.fromFiles != fromFiles || x.above.size != len(above) || s.free != free || s.counts.NameConflicts != conflicts {
		f.t.Errorf("the index has %d slots, %d from files, %d above, %d free IDs, %d conflicts; want %d, %d, %d, %d, %d",
			x.slots.size, x.fromFiles, x.above.size, s.free, s.counts.NameConflicts, slots, fromFiles, len(above), free, conflicts)
	}
	if len(f.nameClaims) != s.names.contested.size {
		f.t.Errorf("%d names have several claimants, and %d are listed", len(f.nameClaims), s.names.contested.size)
	}
	for name := range above {
		if !s.HasNamesBelow([]byte(name)) {
			f.t.Errorf("no names are below %s", name)
		}
	}
}

func TestNamesOfTheCluster(t *testing.T) {
	f := newFixture(t)
	f.connect(named(a, "Web-1"), named(b, "web-2"), Entry{ID: c})
	f.wantNames("web-1", a, "web-2", b, "web-3", "", "web", "")
	f.curator.Set(named(a, "web-3"))
	f.wantNames("web-1", "", "web-3", a)
	f.curator.Set(Entry{ID: a})
	f.wantNames("web-3", "")
	f.curator.Gone(b)
	f.wantNames("web-2", b) // departed, still answered
	if n, _ := f.Snapshot().Lookup(b); !n.Departed() {
		t.Error("it has not departed")
	}
	f.curator.Set(named(self, "here"))
	if o := f.Snapshot().LookupName([]byte("here")); !o.Node.IsLocal() || o.Origin != NameFromCluster {
		t.Errorf("our own name: %+v", o)
	}
}

// A name that is refused is refused alone, and listed.
func TestRefusedNames(t *testing.T) {
	f := newFixture(t)
	f.connect(Entry{ID: b})
	for _, name := range []string{
		"localhost", "www.bank.example", strings.Repeat("x", 300), "../x", "a b", "a\nb", "\u202eweb", "a,b", "", "wpad", "role",
		c, "metropolis-" + strings.Repeat("F", 32), "10", self,
	} {
		f.curator.Set(Entry{ID: a, Names: []string{name}, Addresses: testkit.Addrs("192.0.2.7")})
		n, ok := f.Snapshot().Lookup(a)
		if !ok || !n.HasAddr() {
			t.Fatalf("%.20q: the node is not there", name)
		}
		for got := range n.Names() {
			t.Errorf("%.20q: the node is called %q", name, got.Text)
		}
		if refused := f.Snapshot().Refused(); len(refused) != 1 || refused[0].ID != a {
			t.Errorf("%.20q: refused are %v", name, refused)
		}
	}
	f.curator.Set(Entry{ID: a, Names: []string{"web-1", "web-2"}})
	f.wantNames("web-1", a, "web-2", "")
	f.curator.Set(named(a, "web-1"))
	if refused := f.Snapshot().Refused(); len(refused) != 0 {
		t.Errorf("refused are %v", refused)
	}
}

// An ID that is a name does not look like another one's below a domain.
func TestRefusedFreeIDs(t *testing.T) {
	f := newFixture(t)
	file := f.FileSource("files")
	for _, id := range []string{c + ".corp.example", "localhost", "a b", "10.0.0.1", ""} {
		file.Set(named(id, "web"))
		if counts := f.Snapshot().Counts(); counts.Live != 1 || counts.Quarantined != 1 {
			t.Errorf("%q: %+v", id, counts)
		}
		file.Gone(id)
		f.refusals.forget(file)
	}
}

// The incumbent keeps a name, whichever node claims it; without one neither has it.
func TestContestedNames(t *testing.T) {
	f := newFixture(t)
	both := a + " or " + b
	f.connect(named(a, "web"), named(b, "web"))
	f.wantNames("web", both)
	conflicts := slices.Collect(f.Snapshot().NameConflicts())
	if want := (NameConflict{"web", [2]ID{ID(a), ID(b)}, false, 2}); len(conflicts) != 1 || conflicts[0] != want {
		t.Errorf("conflicts are %v", conflicts)
	}
	file := f.FileSource("files")
	file.Set(named("x", "shared"), named("y", "shared"), named("w", "shared2", "shared3"), named("v", "shared2", "shared3"))
	f.wantNames("shared", "x or y", "shared2", "v or w", "shared3", "v or w")
	file.Retract("x", "y", "v", "w")
	f.curator.Set(named(b, "db"))
	f.wantNames("web", a, "db", b)
	f.curator.Set(named(b, "web"))
	f.wantNames("web", a, "db", "")
	f.curator.Set(named(c, "web"))
	f.wantNames("web", a)
	f.curator.Gone(a)
	f.wantNames("web", b+" or "+c) // live before departed
	f.curator.Gone(c)
	f.wantNames("web", b)
	f.curator.Set(named(a, "web"))
	f.wantNames("web", b) // the incumbent by now
	f.curator.Gone(b)
	f.wantNames("web", a)
}

// Within one backlog no node was first, in however many parts it comes; what was
// known before it counts.
func TestNamesInOneBacklog(t *testing.T) {
	f := newFixture(t)
	f.curator.Expect(true)
	f.curator.Begin()
	f.curator.Set(named(a, "web"), named(c, "db"))
	f.curator.Set(named(b, "web"))
	f.wantNames("web", a+" or "+b)
	f.curator.Complete()
	f.wantNames("web", a+" or "+b)
	f.curator.Set(Entry{ID: b})
	f.wantNames("web", a)
	f.curator.Begin()
	f.curator.Set(named(b, "web"), named(self, "db"))
	f.curator.Set(named(a, "web"), named(c, "db"))
	f.curator.Complete()
	f.wantNames("web", a, "db", c)
	f.curator.Set(named(b, "mail"))
	f.curator.Set(named(a, "mail"))
	f.wantNames("mail", b)
}

// A restart keeps who has a name, for what was saved says so.
func TestNamesAcrossARestart(t *testing.T) {
	before := newFixture(t)
	before.connect(named(b, "web"))
	before.curator.Set(named(a, "web"))
	file := before.FileSource("files")
	file.Set(Entry{ID: "nas", Names: []string{"nas.corp.example"}, Addresses: testkit.Addrs("192.0.2.9")}, named(b, "www", "web"))
	before.wantNames("web", b, "nas", "nas", "nas.corp.example", "nas", "www", b)

	f := newFixture(t)
	for n := range before.Snapshot().All() {
		e := Entry{ID: string(n.ID()), FromFile: n.Source() == "files", OwnedNames: n.OwnedNames()}
		for name := range n.Names() {
			if name.Origin == NameFromFile {
				e.FileNames = append(e.FileNames, name.Text)
			} else {
				e.Names = append(e.Names, name.Text)
			}
		}
		f.Saved().Set(e) // one by one, the rival first
	}
	f.Saved().Loaded(f.wall)
	f.wantNames("web", b, "nas", "nas", "nas.corp.example", "nas", "www", b)
	f.connect(named(a, "web"), named(b, "web"))
	f.wantNames("web", b)
}

func TestNamesOfFiles(t *testing.T) {
	f := newFixture(t)
	file := f.FileSource("files")
	file.Expect(true)
	f.SetLocal(testkit.Addrs("192.0.2.1"))
	if f.Snapshot().Ready() {
		t.Error("ready before the files are read")
	}
	file.Begin()
	file.Complete()
	if !f.Snapshot().Ready() || f.Snapshot().Cluster().Expected {
		t.Error("empty files are not ready, or a cluster")
	}
	file.Set(
		Entry{ID: "Web-2", Names: []string{"web-2.corp.example", "WWW"}, Addresses: testkit.Addrs("192.0.2.2")},
		Entry{ID: self, Names: []string{"web-1"}},
		Entry{ID: a, Names: []string{"db"}, Addresses: testkit.Addrs("192.0.2.3")},
	)
	f.wantNames("web-2", "web-2", "web-2.corp.example", "web-2", "www", "web-2", "web-1", self, "db", a, "corp.example", "")
	ids := []string{}
	for n := range f.Snapshot().All() {
		ids = append(ids, string(n.ID()))
	}
	if want := []string{a, self, "web-2"}; !slices.Equal(ids, want) {
		t.Errorf("nodes are %v, want %v", ids, want)
	}
	if n, _ := f.Snapshot().Reverse(netip.MustParseAddr("192.0.2.2")); n.ID() != "web-2" || !n.HasFreeID() || n.Source() != "files" {
		t.Errorf("the address belongs to %q of %q", n.ID(), n.Source())
	}
	file.Gone("web-2", self)
	f.wantNames("web-2", "web-2", "web-1", "")
	if n := f.Snapshot().LookupName([]byte("web-2")).Node; !n.Departed() {
		t.Error("a node that is gone has not departed")
	}
	file.Retract("web-2")
	f.wantNames("web-2", "", "www", "", "db", a)
}

// A cluster that knows a node decides its addresses; the names of both count.
func TestNamesOfBoth(t *testing.T) {
	f := newFixture(t)
	file := f.FileSource("files")
	addr := func() string {
		for addr := range f.Snapshot().LookupName([]byte("db")).Node.Addrs() {
			return addr.String()
		}
		return ""
	}
	file.Set(Entry{ID: a, Names: []string{"db"}, Addresses: testkit.Addrs("192.0.2.3")})
	f.connect(Entry{ID: a, Names: []string{"sql"}, Addresses: testkit.Addrs("192.0.2.4")}, named(b, "db"))
	f.wantNames("db", a, "sql", a)
	if addr() != "192.0.2.4" {
		t.Errorf("db is at %s", addr())
	}
	if o := f.Snapshot().LookupName([]byte("db")); o.Origin != NameFromFile {
		t.Error("a file's claim does not come first")
	}
	file.Set(Entry{ID: a, Names: []string{"db", "pg"}, Addresses: testkit.Addrs("192.0.2.5")})
	f.wantNames("db", a, "sql", a, "pg", a)
	f.curator.Gone(a)
	f.wantNames("db", a, "sql", "", "pg", a)
	if addr() != "192.0.2.5" {
		t.Errorf("db is at %s once the cluster has dropped it", addr())
	}
	f.curator.Set(Entry{ID: a, Names: []string{"sql"}, Addresses: testkit.Addrs("192.0.2.4")})
	file.Gone(a)
	f.wantNames("db", b, "sql", a, "pg", "")
	file.Set(named(a, "db"))
	f.wantNames("db", a)
	file.Retract(a)
	f.wantNames("db", b)
	if n, ok := f.Snapshot().Lookup(a); !ok || n.Departed() {
		t.Error("the cluster's node went with the file's entry")
	}
}

// What an earlier run had from a cluster counts until that is heard.
func TestSavedBeforeFiles(t *testing.T) {
	f := newFixture(t)
	f.curator.Expect(true)
	f.Saved().Set(Entry{ID: a, Names: []string{"sql"}, Addresses: testkit.Addrs("192.0.2.4")}, Entry{ID: "nas", FromFile: true, Addresses: testkit.Addrs("192.0.2.8")})
	f.Saved().Loaded(f.wall)
	file := f.FileSource("files")
	file.Begin()
	file.Set(Entry{ID: a, Names: []string{"db"}, Addresses: testkit.Addrs("192.0.2.5")}, Entry{ID: "nas", Addresses: testkit.Addrs("192.0.2.9")})
	file.Complete()
	f.wantNames("db", a, "sql", a)
	has := func(id, addr string) {
		t.Helper()
		if n := f.Snapshot().node(keyOf(t, file, id)); !slices.Contains(slices.Collect(n.Addrs()), netip.MustParseAddr(addr)) {
			t.Errorf("%s is not at %s, but at %v", id, addr, slices.Collect(n.Addrs()))
		}
	}
	has(a, "192.0.2.4")
	has("nas", "192.0.2.9")
	f.connect(Entry{ID: b})
	f.wantNames("db", a, "sql", "")
	has(a, "192.0.2.5")
}

// The retention runs while files are followed and no cluster is expected.
func TestRetentionOfFiles(t *testing.T) {
	f := newFixture(t)
	file := f.FileSource("files")
	file.Begin()
	file.Set(named("nas"))
	file.Complete()
	file.Gone("nas")
	f.wantNames("nas", "nas")
	f.pass(retention)
	f.dropExpired()
	f.wantNames("nas", "")
}

func TestCanonical(t *testing.T) {
	f := newFixture(t)
	file := f.FileSource("files")
	f.connect(named(a, "web"), Entry{ID: b}, named(c, "twin"), named(self, "twin"))
	file.Set(named("nas"), named("x.corp.example", "x"))
	const bare, below, byID = 0, 1, 2
	for id, want := range map[string][3]string{
		a:                {a, "web.nodes.example", a},
		b:                {b, b, b},
		c:                {c, c, c},
		"nas":            {"nas", "nas.nodes.example", "nas"},
		"x.corp.example": {"x.corp.example", "x.corp.example", "x.corp.example"},
	} {
		n := f.Snapshot().node(keyOf(t, file, id))
		for i, c := range [3]Canonical{bare: {}, below: {Domain: "nodes.example"}, byID: {Domain: "nodes.example", ByID: true}} {
			if got := string(n.AppendCanonical(nil, c)); got != want[i] {
				t.Errorf("%s: got %s, want %s", id, got, want[i])
			}
		}
	}
	file.Set(named(b, "web.nodes.example"))
	if got := f.Snapshot().LookupName([]byte("web")).Node.AppendCanonical(nil, Canonical{Domain: "nodes.example"}); string(got) != a {
		t.Errorf("a name that a file gives to another node: %s", got)
	}
	long := Canonical{Domain: strings.Repeat("a.", 125) + "b"}
	if got := f.Snapshot().LookupName([]byte("web")).Node.AppendCanonical(nil, long); string(got) != a {
		t.Errorf("a name that is too long: %s", got)
	}
}

// A change of names alone is a change, whatever the hint in the record.
func TestChangedNames(t *testing.T) {
	f := newFixture(t)
	file := f.FileSource("files")
	file.Set(named(a, "web", "x"), named(b, "db"), named(self, "me"))
	old := f.Snapshot()
	file.Set(named(a, "web", "y"), named(b, "db"), named(self, "me", "too"))
	var changed []string
	for c := range f.Snapshot().Changes(old) {
		changed = append(changed, string(c.After.ID()))
	}
	if want := []string{self, a}; !slices.Equal(changed, want) {
		t.Errorf("changed are %v, want %v", changed, want)
	}
	serial := f.Snapshot().Serial()
	file.Set(named(a, "web", "y"), named(b, "db"), named(self, "me", "too"))
	if f.Snapshot().Serial() != serial {
		t.Error("what changes nothing was published")
	}
}

// All state of names follows from what the sources report, in whatever order.
func TestNamesAtRandom(t *testing.T) {
	for seed := range uint64(40) {
		f := newFixture(t)
		r := rand.New(rand.NewPCG(seed, 1))
		file := f.FileSource("files")
		f.SetLocal(testkit.Addrs("192.0.2.1"))
		ids := []string{a, b, c, self, testID(0xd)}
		pool := []string{"web", "db", "nas", "x.corp", "corp", "y.x.corp"}
		some := func() (names []string) {
			for range r.IntN(3) {
				names = append(names, pool[r.IntN(len(pool))])
			}
			return names
		}
		for range 60 {
			id, addr := ids[r.IntN(len(ids))], testkit.Addrs(fmt.Sprintf("192.0.2.%d", 1+r.IntN(6)))
			free := []string{"nas", "x.corp", id}[r.IntN(3)]
			switch r.IntN(9) {
			case 0, 1:
				f.curator.Set(Entry{ID: id, Names: some(), Addresses: addr})
			case 2, 3:
				file.Set(Entry{ID: free, Names: some(), Addresses: addr})
			case 4:
				file.Gone(free)
			case 5:
				file.Retract(free)
			case 6:
				f.curator.Gone(id)
			case 7:
				f.SetLocal(addr)
			case 8:
				src := []*Source{file, f.curator}[r.IntN(2)]
				src.Begin()
				src.Set(Entry{ID: id, Names: some(), Addresses: addr})
				src.Complete()
			}
			f.checkNames()
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

// A name that many nodes claim costs no more than others.
func TestOneNameForAll(t *testing.T) {
	f := newFixture(t)
	entries := make([]Entry, 2000)
	for i := range entries {
		entries[i] = named(testID(i+0x100), "web")
	}
	f.connect(entries...)
	f.wantNames("web", entries[0].ID+" or "+entries[1].ID)
	f.backlog(entries[7:8]...)
	f.wantNames("web", entries[7].ID)
}

func TestLookupNameAllocatesNothing(t *testing.T) {
	f := newFixture(t)
	file := f.FileSource("files")
	f.connect(named(a, "web"), named(b, "twin"), named(c, "twin"))
	file.Set(named("nas", "nas.corp.example"))
	s, buffer := f.Snapshot(), make([]byte, 0, 255)
	for _, name := range []string{"web", "twin", "nas", "nas.corp.example", "none"} {
		text := []byte(name)
		if n := testing.AllocsPerRun(100, func() {
			o := s.LookupName(text)
			s.HasNamesBelow(text)
			if o.Node.Exists() {
				o.Node.AppendCanonical(buffer, Canonical{Domain: "nodes.example"})
				o.Node.AppendID(buffer)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
