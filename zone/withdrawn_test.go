package zone

import (
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// The files' first complete backlog settles which names they have, whatever was saved
// of them and whatever else is awaited.
func TestNamesThatFilesDoNotHaveAnyMore(t *testing.T) {
	for name, saved := range map[string]Entry{
		"ours, by the file":          {ID: self, FromFile: true, FileNames: []string{"web"}},
		"ours, by the cluster":       {ID: self, FileNames: []string{"web"}, Names: []string{"sql"}},
		"another's, by the cluster":  {ID: a, FileNames: []string{"web"}, Names: []string{"sql"}},
		"another's, by the file":     {ID: a, FromFile: true, FileNames: []string{"web"}},
		"another's, which has no ID": {ID: "nas", FromFile: true, FileNames: []string{"web"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			file := f.FileSource("files")
			file.Expect(true)
			f.curator.Expect(true)
			f.Saved().Set(saved, Entry{ID: b})
			f.Saved().Loaded(f.wall)
			f.wantNames("web", saved.ID)
			file.Begin()
			file.Set(named(b, "web"))
			file.Complete()
			f.wantNames("web", b)
			if saved.Names != nil {
				f.wantNames("sql", saved.ID)
			}
			if n, ok := f.Snapshot().Lookup(b); !ok || n.Departed() {
				t.Error("a node of the cluster, which has yet to be heard, has departed")
			}
		})
	}
}

// An entry of this machine that a complete backlog lacks takes its names along.
func TestOwnEntryLeavesTheFiles(t *testing.T) {
	f := newFixture(t)
	file := f.FileSource("files")
	for _, own := range [][]Entry{{named(self, "web")}, nil} {
		file.Begin()
		file.Set(append(own, named("nas"))...)
		file.Complete()
	}
	f.wantNames("web", "", "nas", "nas")
}

// What a source that does not take precedence withdraws costs the others no name.
func TestNamesOfTwoSourcesOfAKind(t *testing.T) {
	f := newFixture(t)
	second, one, two := f.Source("second"), f.FileSource("one"), f.FileSource("two")
	f.curator.Set(named(a, "web"))
	second.Set(named(a, "www"))
	second.Gone(a)
	f.wantNames("web", a)
	one.Set(named("nas", "store"))
	two.Set(named("nas", "disk"))
	two.Gone("nas")
	f.wantNames("store", "nas", "disk", "")
}

// Of what was set aside a cluster's statement takes effect before a file's, whichever
// source was made first.
func TestAsideInTheOrderOfPrecedence(t *testing.T) {
	f := newFixture(t)
	file, second := f.FileSource("files"), f.Source("second")
	f.curator.Set(node(a, "192.0.2.1"))
	file.Set(Entry{ID: a, Names: []string{"web"}, Addresses: testkit.Addrs("192.0.2.2")})
	second.Set(node(a, "192.0.2.3"))
	f.curator.Gone(a)
	f.want(a, "192.0.2.3")
	f.wantNames("web", a)
	second.Gone(a)
	f.want(a, "192.0.2.2")
}

// A cluster that is turned off before it was heard leaves its saved nodes to the files.
func TestFilesAfterAClusterThatIsTurnedOff(t *testing.T) {
	f := newFixture(t)
	file := f.FileSource("files")
	f.curator.Expect(true)
	f.Saved().Set(node(a, "192.0.2.1"))
	f.Saved().Loaded(f.wall)
	file.Set(Entry{ID: a, Names: []string{"web"}, Addresses: testkit.Addrs("192.0.2.2")})
	f.want(a, "192.0.2.1")
	f.curator.Expect(false)
	f.want(a, "192.0.2.2")
	f.wantNames("web", a)
}
