package nodefile

import (
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// In each case the files are the same on all machines; what a machine knows of
// itself selects its entry.
func TestOwnEntry(t *testing.T) {
	t.Parallel()
	const files = "10.0.0.1 web-1 alpha\n10.0.0.2 web-2.corp.example beta\n10.0.0.3 gamma " + ours + "\n"
	one, two, three := "web-1 [10.0.0.1] web-1 alpha", "web-2.corp.example [10.0.0.2] web-2.corp.example beta", "ours [] gamma"
	for name, tt := range map[string]struct {
		text, hostname, addr string
		want                 []string
	}{
		"by ID":                    {files, "web-1", "10.0.0.2", []string{three, one, two}},
		"by hostname":              {without(files, ours), "web-1", "10.0.0.2", []string{"gamma [10.0.0.3] gamma", "ours [] web-1 alpha", two}},
		"by hostname, in capitals": {without(files, ours), "WEB-1.", "", []string{"gamma [10.0.0.3] gamma", "ours [] web-1 alpha", two}},
		"by another of its names":  {without(files, ours), "beta", "", []string{"gamma [10.0.0.3] gamma", "ours [] web-2.corp.example beta", one}},
		"by the first label":       {without(files, ours), "web-2", "", []string{"gamma [10.0.0.3] gamma", "ours [] web-2.corp.example beta", one}},
		"by that of the hostname":  {without(files, ours), "web-1.other.example", "", []string{"gamma [10.0.0.3] gamma", "ours [] web-1 alpha", two}},
		"by address":               {without(files, ours), "localhost", "10.0.0.2", []string{"gamma [10.0.0.3] gamma", "ours [] web-2.corp.example beta", one}},
		"none":                     {without(files, ours), "other", "10.0.0.9", []string{"gamma [10.0.0.3] gamma", one, two}},
		"no hostname":              {without(files, ours), "", "", []string{"gamma [10.0.0.3] gamma", one, two}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.hostname = tt.hostname
			if tt.addr != "" {
				f.addrs = testkit.Addrs(tt.addr)
			}
			f.write("a.hosts", tt.text)
			f.want(tt.want...)
		})
	}
}

func without(text, what string) string { return strings.ReplaceAll(text, " "+what, "") }

// What was reported as another node before this machine knew its address was no
// node, and has not departed.
func TestOwnEntryIsFoundLater(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.write("a.hosts", "10.0.0.1 web-1 db\n10.0.0.2 web-2\n")
	f.want("web-1 [10.0.0.1] web-1 db", "web-2 [10.0.0.2] web-2")
	f.addrs = testkit.Addrs("10.0.0.1")
	f.store.SetLocal(f.addrs)
	f.want("ours [10.0.0.1] web-1 db", "web-2 [10.0.0.2] web-2")
	if !f.logged.Has(`line=1 id=web-1 by=address names="[web-1 db]"`) {
		t.Errorf("log:\n%s", &f.logged)
	}
	// And it may move to another network.
	f.addrs = testkit.Addrs("10.0.0.2")
	f.store.SetLocal(f.addrs)
	f.want("ours [10.0.0.2] web-2", "web-1 [10.0.0.1] web-1 db")
	// Its line goes: the names go with it, and we stay.
	f.write("a.hosts", "10.0.0.1 web-1 db\n")
	f.want("web-1 [10.0.0.1] web-1 db")
	if !f.logged.Has("no entry of this machine any more") {
		t.Errorf("log:\n%s", &f.logged)
	}
}

// An entry by the ID of an earlier key of ours: its names are ours, its ID is not.
func TestOwnEntryWithAnotherID(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.hostname = "web-1"
	f.write("a.hosts", "10.0.0.1 "+theirs+" web-1 db\n")
	f.want("ours [] web-1 db")
}

// Only one entry can be this machine's: the better criterion counts, then whether
// it has our address too, then the order. Another one is reported as another node,
// and what to do is among the problems.
func TestTwoOwnEntries(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text, want string
		problems   []string
	}{
		"ID and hostname": {
			"10.0.0.5 web-1 a\n10.0.0.6 " + ours + " b\n", "ours [] b\nweb-1 [10.0.0.5] web-1 a",
			[]string{"line 1: web-1 has the hostname or an address of this machine too, whose entry is ours, by its ID: further names belong there"},
		},
		"hostname and address": {
			"10.0.0.1 db\n10.0.0.5 web-1\n", "db [10.0.0.1] db\nours [] web-1",
			[]string{"line 1: db has the hostname or an address of this machine too, whose entry is web-1, by its hostname: further names belong there"},
		},
		"two of the hostname": {
			"10.0.0.5 web-1.a.example\n10.0.0.1 web-1.b.example\n", "ours [] web-1.b.example\nweb-1.a.example [10.0.0.5] web-1.a.example",
			[]string{"line 1: web-1.a.example has the hostname or an address of this machine too, whose entry is web-1.b.example, by its hostname: further names belong there"},
		},
		"two of the address": {
			"10.0.0.1 a\n10.0.0.1 b\n", "b [10.0.0.1] b\nours [] a",
			[]string{"line 2: b has the hostname or an address of this machine too, whose entry is a, by its address: further names belong there"},
		},
		"another domain": {"10.0.0.5 web-1.a.example\n10.0.0.6 web-1\n", "ours [] web-1\nweb-1.a.example [10.0.0.5] web-1.a.example", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.hostname, f.addrs = "web-1", testkit.Addrs("10.0.0.1")
			f.write("a.hosts", tt.text)
			if got := f.read(); got != tt.want {
				t.Errorf("the zone has\n%s\nwant\n%s", got, tt.want)
			}
			problems := f.status("a.hosts").Problems
			for i := range problems {
				problems[i] = strings.ReplaceAll(problems[i], ours, "ours")
			}
			if !slices.Equal(problems, tt.problems) {
				t.Errorf("problems %q", problems)
			}
		})
	}
}

// A free ID of ours may be any of the names: a line often begins with the whole one.
func TestOwnEntryByAFreeID(t *testing.T) {
	t.Parallel()
	f := newFixtureOf(t, "web-1")
	f.write("a.hosts", "10.0.0.1 web-1.corp.example web-1 db\n10.0.0.2 web-2.corp.example web-2\n")
	f.want("web-1 [] web-1 web-1.corp.example db", "web-2.corp.example [10.0.0.2] web-2.corp.example web-2")
	f.write("a.hosts", "10.0.0.1 web-1.corp.example web-1 db\n10.0.0.3 web-1 own\n") // which has it as ID
	f.read()
	if got := f.read(); !strings.HasPrefix(got, "web-1 [] web-1 own\n") {
		t.Errorf("the zone has\n%s", got)
	}
}

// An ID that becomes one of our names may be one too many.
func TestOwnEntryWithTooManyNames(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.hostname = "id"
	f.write("a.hosts", "10.0.0.1 id n1 n2 n3 n4 n5 n6 n7 n8\n")
	f.want("ours [] id n1 n2 n3 n4 n5 n6 n7")
	if s := f.status("a.hosts"); s.Ignored != 1 || !strings.HasPrefix(s.Problems[0], `line 1: name "n8": a node has at most 8`) {
		t.Errorf("status %+v", s)
	}
}
