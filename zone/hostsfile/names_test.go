package hostsfile

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

const domain = "nodes.example"

// populate makes a zone with names, of a cluster and of files.
func populate(t testing.TB, cluster, files []zone.Entry) *zone.Store {
	t.Helper()
	store := newStore(t)
	for _, src := range []struct {
		*zone.Source
		entries []zone.Entry
	}{{store.Source("curator"), cluster}, {store.FileSource("files"), files}} {
		if src.entries == nil {
			continue
		}
		src.Begin()
		src.Set(src.entries...)
		src.Complete()
	}
	return store
}

// node is one of a source, with the address of its number.
func node(n int, names ...string) zone.Entry {
	return zone.Entry{ID: peer(n), Names: names, Addresses: testkit.Addrs(peerAddr(n))}
}

// freeNode is one without a key.
func freeNode(id, addr string, names ...string) zone.Entry {
	return zone.Entry{ID: id, Names: names, Addresses: testkit.Addrs(addr)}
}

// Shows hosts(5) ours.
func TestNamesOnLines(t *testing.T) {
	t.Parallel()
	long := func(c string) string { return strings.Repeat(c, 63) }
	short := strings.Repeat("c", 50)
	none, below, byID := zone.Canonical{}, zone.Canonical{Domain: domain}, zone.Canonical{Domain: domain, ByID: true}
	for _, tt := range []struct {
		name           string
		cluster, files []zone.Entry
		c              zone.Canonical
		want           string // the lines; %s is the ID of node 1
	}{
		{"no name", []zone.Entry{node(1)}, nil, below, "10.0.0.1 %s\n"},
		{"a cluster's without a domain", []zone.Entry{node(1, "web-2")}, nil, none, "10.0.0.1 %s\n"},
		{"a cluster's", []zone.Entry{node(1, "Web-2")}, nil, below, "10.0.0.1 web-2.nodes.example %s\n"},
		{"a file's without a domain", []zone.Entry{node(1)}, []zone.Entry{node(1, "web-2")}, none, "10.0.0.1 web-2 %s\n"},
		{"a file's", nil, []zone.Entry{node(1, "web-2")}, below, "10.0.0.1 web-2.nodes.example web-2 %s\n"},
		{"several labels", nil, []zone.Entry{node(1, "db.prod")}, below, "10.0.0.1 db.prod %s\n"},
		{"of both", []zone.Entry{node(1, "mail")}, []zone.Entry{node(1, "web", "db.prod")}, below, "10.0.0.1 web.nodes.example web db.prod mail.nodes.example %s\n"},
		{"the same of both", []zone.Entry{node(1, "web")}, []zone.Entry{node(1, "web")}, below, "10.0.0.1 web.nodes.example web %s\n"},
		{"written out as well", nil, []zone.Entry{node(1, "web", "web.nodes.example")}, below, "10.0.0.1 web.nodes.example web %s\n"},
		{"by ID", []zone.Entry{node(1, "mail")}, []zone.Entry{node(1, "web")}, byID, "10.0.0.1 %s web.nodes.example web mail.nodes.example\n"},
		{"by ID, no name", []zone.Entry{node(1)}, nil, byID, "10.0.0.1 %s\n"},
		{"two addresses", nil, []zone.Entry{{ID: peer(1), Names: []string{"web"}, Addresses: testkit.Addrs("10.0.0.1", "2001:db8::1")}}, below, "10.0.0.1 web.nodes.example web %[1]s\n2001:db8::1 web.nodes.example web %[1]s\n"},
		{"a free ID", nil, []zone.Entry{freeNode("printer", "10.0.0.5")}, none, "10.0.0.5 printer\n"},
		{"a free ID and a domain", nil, []zone.Entry{freeNode("printer", "10.0.0.5")}, below, "10.0.0.5 printer.nodes.example printer\n"},
		{"a free ID of several labels", nil, []zone.Entry{freeNode("www.bank.example", "10.0.0.5", "bank")}, below, "10.0.0.5 www.bank.example bank.nodes.example bank\n"},
		{"a free ID by ID", nil, []zone.Entry{freeNode("printer", "10.0.0.5", "prn")}, byID, "10.0.0.5 printer printer.nodes.example prn.nodes.example prn\n"},
		{
			"contested", nil,
			[]zone.Entry{node(1, "web", "db"), freeNode("other", "10.0.0.5", "web")},
			none,
			"10.0.0.1 db %s\n10.0.0.5 other\n",
		},
		{
			"a file's before a cluster's",
			[]zone.Entry{node(1, "web"), node(2)},
			[]zone.Entry{node(2, "web")},
			below,
			"10.0.0.1 %s\n10.0.0.2 web.nodes.example web " + peer(2) + "\n",
		},
		{
			"a free ID that is contested", nil,
			[]zone.Entry{node(1, "web"), freeNode("web", "10.0.0.5"), freeNode("db", "10.0.0.6", "web")},
			byID,
			"10.0.0.6 db db.nodes.example\n10.0.0.1 %s\n",
		},
		{
			"a free ID that is contested, with another name", nil,
			[]zone.Entry{freeNode("web", "10.0.0.5", "b"), freeNode("db", "10.0.0.6", "web")},
			byID,
			"10.0.0.6 db db.nodes.example\n10.0.0.5 b.nodes.example b\n",
		},
		{
			"names that are too long together", nil,
			[]zone.Entry{node(1, long("a"), long("b"), short, long("d"), long("e"), "f")},
			below,
			"10.0.0.1 " + strings.Join([]string{long("a") + ".nodes.example", long("a"), long("b") + ".nodes.example", long("b"), short + ".nodes.example", short, "f.nodes.example f"}, " ") + " %s\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := string(render(populate(t, tt.cluster, tt.files).Snapshot(), 0, tt.c, 0).lines)
			want := tt.want
			if strings.Contains(want, "%") {
				want = fmt.Sprintf(want, peer(1))
			}
			if got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			for line := range strings.Lines(got) {
				if len(line) > maxLine {
					t.Errorf("a line of %d octets", len(line))
				}
				if _, ok := form.parse([]byte(line)); !ok {
					t.Errorf("%q is not read as a line of ours", line)
				}
			}
		})
	}
}

// The first name is the one that PTR records have, whatever a node's names are.
func TestTheFirstNameIsCanonical(t *testing.T) {
	t.Parallel()
	store := populate(t,
		[]zone.Entry{node(1, "mail"), node(2), node(3, "same"), node(4, "same")},
		[]zone.Entry{node(1, "web", "db.prod"), freeNode("printer", "10.0.0.5"), freeNode("www.bank.example", "10.0.0.6", "bank"), {ID: string(self), Names: []string{"us"}}})
	setLocal(store, "192.0.2.7")
	for _, c := range []zone.Canonical{{}, {Domain: domain}, {ByID: true}, {Domain: domain, ByID: true}, {Domain: strings.Repeat("a.", 124) + "long"}} {
		for n := range store.Snapshot().All() {
			if !n.HasAddr() {
				continue
			}
			_, names, _ := strings.Cut(string(appendNode(nil, c, n)), " ")
			got, _, _ := strings.Cut(strings.TrimSuffix(names, "\n"), " ")
			if want := string(n.AppendCanonical(nil, c)); got != want {
				t.Errorf("%+v, %s: the first name is %q, want %q", c, n.ID(), got, want)
			}
		}
	}
}

func TestOurOwnNames(t *testing.T) {
	t.Parallel()
	store := populate(t, []zone.Entry{{ID: string(self), Names: []string{"mail"}}}, []zone.Entry{{ID: string(self), Names: []string{"web-1"}}})
	setLocal(store, "192.0.2.7", "2001:db8::7")
	const names = " web-1.nodes.example web-1 mail.nodes.example " + string(self) + "\n"
	if got, want := string(render(store.Snapshot(), 0, zone.Canonical{Domain: domain}, 0).lines), "192.0.2.7"+names+"2001:db8::7"+names; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A free ID of our own is on our lines once, like any other.
func TestOurOwnFreeID(t *testing.T) {
	t.Parallel()
	store, err := zone.NewStore(zone.Config{Local: "gateway"})
	if err != nil {
		t.Fatal(err)
	}
	setLocal(store, "192.0.2.7")
	wantLines := func(want string) {
		t.Helper()
		if got := string(render(store.Snapshot(), 0, zone.Canonical{}, 0).lines); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	wantLines("192.0.2.7 gateway\n")
	src := store.FileSource("files")
	src.Set(freeNode("gateway", "192.0.2.99", "gw"))
	wantLines("192.0.2.7 gateway gw\n")
}

func TestLinesWithNames(t *testing.T) {
	t.Parallel()
	id := peer(1)
	for _, tt := range []struct {
		names string
		want  zone.ID // "": it is no line of ours
		byID  bool
	}{
		{id, zone.ID(id), true},
		{"web.nodes.example web " + id, zone.ID(id), true},
		{id + " web", zone.ID(id), true},
		{"web " + string(self), self, true},
		{"printer.nodes.example printer", "printer.nodes.example", false},
		{"printer", "printer", false},
		{id + " " + peer(2), "", false},
		{"web  " + id, "", false},
		{"web " + id + " ", "", false},
		{"Web " + id, "", false},
		{"web\t" + id, "", false},
		{"web # " + id, "", false},
		{"localhost " + id, "", false},
		{"10.0.0.2 " + id, "", false},
		{"-web " + id, "", false},
		{strings.Repeat("a", 64), "", false},
		{strings.Repeat("a ", 250) + id, "", false},
		{"", "", false},
	} {
		got, ok := form.parse([]byte("10.0.0.1 " + tt.names + "\n"))
		if ok != (tt.want != "") || ok && (got.id != tt.want || got.byID != tt.byID || string(got.names) != tt.names) {
			t.Errorf("%q: got %+v, %t, want the ID %q", tt.names, got, ok, tt.want)
		}
	}
}

// While the zone is not ready the names of an earlier run stay with the lines, our
// own too.
func TestRetainNames(t *testing.T) {
	t.Parallel()
	earlier := "10.0.0.5 printer.nodes.example printer\n10.0.0.3 web.nodes.example web " + peer(3) + "\n" +
		"192.0.2.99 us.nodes.example us " + string(self) + "\n"
	for _, tt := range []struct {
		name  string
		own   string   // our name
		addrs []string // our addresses
		want  string
	}{
		{"no address", "", nil, "10.0.0.3 web.nodes.example web " + peer(3) + "\n192.0.2.99 us.nodes.example us " + string(self) + "\n10.0.0.5 printer.nodes.example printer\n"},
		{"another address", "", []string{"192.0.2.7"}, "10.0.0.3 web.nodes.example web " + peer(3) + "\n192.0.2.7 us.nodes.example us " + string(self) + "\n10.0.0.5 printer.nodes.example printer\n"},
		{"another name", "me", []string{"192.0.2.7"}, "10.0.0.3 web.nodes.example web " + peer(3) + "\n192.0.2.7 me.nodes.example me " + string(self) + "\n10.0.0.5 printer.nodes.example printer\n"},
		{"a peer's address", "", []string{"10.0.0.5"}, "10.0.0.3 web.nodes.example web " + peer(3) + "\n10.0.0.5 us.nodes.example us " + string(self) + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := newStore(t)
			setLocal(store, tt.addrs...)
			if tt.own != "" {
				store.FileSource("files").Set(zone.Entry{ID: string(self), Names: []string{tt.own}})
			}
			own := linesOfLocal(store.Snapshot().Local(), zone.Canonical{Domain: domain})
			if got := string(retain([]byte(earlier), own, form).lines); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

// Lines with names are ours beside a lone marker only if they are a node's: a user
// gives nodes names too.
func TestLinesWithNamesBesideALoneMarker(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	store := populate(t, nil, []zone.Entry{node(1, "web"), freeNode("printer", "10.0.0.5")})
	const users = "10.0.0.9 nas\n"
	theirs := "10.0.0.1 mine " + peer(1) + "\n"
	ours := "10.0.0.1 web " + peer(1) + "\n10.0.0.5 printer\n"
	for _, content := range []string{
		hostsformat.BeginMarker + "\n" + ours + users + theirs,
		users + theirs + ours + hostsformat.EndMarker + "\n",
	} {
		write(t, s.path("etc/hosts"), localhost4+localhost6+content)
		mustStart(t, s.hostsOnly(), store)
		got, err := os.ReadFile(s.path("etc/hosts"))
		if err != nil {
			t.Fatal(err)
		}
		p := parse(got, form)
		if mine := string(p.strip()); mine != localhost4+localhost6+users+theirs || string(p.ours) != ours {
			t.Errorf("of\n%sthe user's part is\n%sand ours\n%s", content, mine, p.ours)
		}
	}
}

// A line that a user adds in the midst of ours is replaced, and that is reported; a
// node's that has changed meanwhile is not.
func TestALineBetweenOursIsReported(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	store := populate(t, nil, []zone.Entry{freeNode("printer", "10.0.0.5")})
	setLocal(store, "192.0.2.7")
	cfg := s.hostsOnly()
	log := new(testkit.Log)
	cfg.Logger = log.Logger()
	k := mustStart(t, cfg, store)
	change := func(alter func(text string) string) {
		t.Helper()
		text, err := os.ReadFile(s.path("etc/hosts"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, s.path("etc/hosts"), alter(string(text)))
	}
	apply := func() {
		t.Helper()
		if _, err := k.apply(k.hosts, store.Snapshot()); err != nil {
			t.Fatal(err)
		}
	}
	store.FileSource("more").Set(freeNode("scanner", "10.0.0.6"))
	change(func(text string) string { return "# mine\n" + text })
	apply()
	if strings.Contains(log.String(), "does not write") {
		t.Errorf("the log is\n%s", log)
	}
	change(func(text string) string {
		return strings.Replace(text, hostsformat.EndMarker, "10.0.0.9 nas\n"+hostsformat.EndMarker, 1)
	})
	apply()
	if !strings.Contains(log.String(), "does not write") || !strings.Contains(log.String(), "10.0.0.9 nas") {
		t.Errorf("the log is\n%s", log)
	}
	wantFile(t, s.path("etc/hosts"), "# mine\n"+block("192.0.2.7 "+string(self)+"\n10.0.0.5 printer\n10.0.0.6 scanner\n"))
}

// A file that was all ours has lines without an ID that are no user's.
func TestLeavingOwnModeWithFreeIDs(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	store := populate(t, nil, []zone.Entry{freeNode("printer", "10.0.0.5")})
	setLocal(store, "192.0.2.7")
	const (
		original = "127.0.0.1 localhost\n::1 localhost\n10.0.0.9 nas\n"
		ours     = "192.0.2.7 " + string(self) + "\n10.0.0.5 printer\n"
	)
	write(t, s.path("etc/hosts"), original)
	cfg := s.hostsOnly()
	cfg.HostsMode = HostsOwn
	mustStart(t, cfg, store)
	wantFile(t, s.path("etc/hosts"), localhost4+localhost6+ours)
	cfg.HostsMode = HostsBlock
	mustStart(t, cfg, store)
	wantFile(t, s.path("etc/hosts"), original+hostsformat.BeginMarker+"\n"+ours+hostsformat.EndMarker+"\n")
}

func TestCompareHostsWithNames(t *testing.T) {
	t.Parallel()
	for _, byID := range []bool{false, true} {
		s := newScratch(t)
		store := populate(t, []zone.Entry{node(1, "mail")}, []zone.Entry{node(1, "web"), freeNode("printer", "10.0.0.5"), freeNode("twin", "10.0.0.6"), freeNode("other", "10.0.0.7", "twin")})
		setLocal(store, "192.0.2.1")
		cfg := s.hostsOnly()
		cfg.Canonical = zone.Canonical{Domain: domain, ByID: byID}
		k := mustStart(t, cfg, store)
		compare := func() []Difference {
			t.Helper()
			got, err := k.CompareHosts(Zone{Ready: true, Total: 5, Nodes: nodesOf(store.Snapshot())})
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := compare(); len(got) > 0 {
			t.Errorf("as written: %+v", got)
		}
		text, err := os.ReadFile(s.path("etc/hosts"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, s.path("etc/hosts"), strings.Replace(string(text), " web", " wob", 1))
		if got := compare(); len(got) != 1 || got[0].Name != peer(1) || !strings.Contains(got[0].Want, "web.nodes.example") || !strings.Contains(got[0].Got, "wob.nodes.example") {
			t.Errorf("with another name: %+v", got)
		}
	}
}

// A name alone is a change that is written, and so is how nodes are called.
func TestRunWritesNewNames(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	synctest.Test(t, func(t *testing.T) {
		store := populate(t, []zone.Entry{node(1)}, nil)
		files := store.FileSource("more")
		b := startInBubble(t, s.hostsOnly(), realSystem(), func(ctx context.Context, k *Keeper) error { return k.Run(ctx, store) })
		expect := func(line string) {
			t.Helper()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			wantFile(t, s.path("etc/hosts"), block("10.0.0.1 "+line+"\n"))
		}
		expect(peer(1))
		files.Set(zone.Entry{ID: peer(1), Names: []string{"web"}})
		expect("web " + peer(1))
		files.Set(zone.Entry{ID: peer(1), Names: []string{"web", "www"}})
		expect("web www " + peer(1))
		b.SetCanonical(zone.Canonical{Domain: domain})
		expect("web.nodes.example web www.nodes.example www " + peer(1))
		files.Set(zone.Entry{ID: peer(1), Names: []string{"www"}})
		expect("www.nodes.example www " + peer(1))
		b.SetCanonical(zone.Canonical{ByID: true})
		expect(peer(1) + " www")
		writes := len(b.times)
		b.SetCanonical(zone.Canonical{ByID: true})
		expect(peer(1) + " www")
		if len(b.times) != writes {
			t.Error("written though nothing changed")
		}
		b.stop(t)
	})
}
