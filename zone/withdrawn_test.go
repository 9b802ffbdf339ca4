package zone

import "testing"

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
