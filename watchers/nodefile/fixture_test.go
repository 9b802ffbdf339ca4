package nodefile

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// nameError is why a name is refused.
func nameError(name string) string {
	_, err := zone.ParseName(name)
	if err == nil {
		panic("it is a good name: " + name)
	}
	return err.Error()
}

func write(t testing.TB, path, text string) {
	t.Helper()
	testkit.Must(t, os.WriteFile(path, []byte(text), 0o644))
}

// replace gives a file another text in one step.
func replace(t testing.TB, path, text string) {
	t.Helper()
	write(t, path+".new", text)
	testkit.Must(t, os.Rename(path+".new", path))
}

// fixture is a Watcher of a directory, which takes files as settled at once.
type fixture struct {
	*Watcher
	t        *testing.T
	dir      string
	store    *zone.Store
	logged   testkit.Log
	hostname string
	addrs    []netip.Addr
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return newFixtureOf(t, ours)
}

// newFixtureOf is newFixture of a machine with another ID.
func newFixtureOf(t *testing.T, id zone.ID) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir()}
	var err error
	f.store, err = zone.NewStore(zone.Config{Local: id, Logger: f.logged.Logger()})
	testkit.Must(t, err)
	f.Watcher, err = New(Config{
		Paths: []string{f.dir}, ID: id, Prefix: zone.DefaultPrefix, Logger: f.logged.Logger(),
		Hostname:  func() string { return f.hostname },
		Addresses: func() []netip.Addr { return f.addrs },
	}, f.store.FileSource("files"))
	testkit.Must(t, err)
	f.settle = 0
	return f
}

// write writes a file of the directory.
func (f *fixture) write(name, text string) {
	f.t.Helper()
	write(f.t, filepath.Join(f.dir, name), text)
}

// read looks at the files, and returns what the zone has then.
func (f *fixture) read() string {
	f.t.Helper()
	f.look(f.paths)
	return show(f.store.Snapshot())
}

// want has the files read, and compares what the zone has then, a line for each
// node.
func (f *fixture) want(lines ...string) {
	f.t.Helper()
	if got := f.read(); got != strings.Join(lines, "\n") {
		f.t.Errorf("the zone has\n%s\nwant\n%s\nlog:\n%s", got, strings.Join(lines, "\n"), &f.logged)
	}
}

// show lists the nodes of a zone, ours only if it has names.
func show(s *zone.Snapshot) string {
	var lines []string
	for n := range s.All() {
		var names []string
		for name := range n.Names() {
			text := name.Text
			if !name.Owned {
				text += "?"
			}
			names = append(names, text)
		}
		line := fmt.Sprint(n.ID(), " ", slices.Collect(n.Addrs()), " ", strings.Join(names, " "))
		if n.Departed() {
			line += " departed"
		}
		if !n.IsLocal() || names != nil {
			lines = append(lines, strings.NewReplacer(ours, "ours", theirs, "theirs").Replace(line))
		}
	}
	return strings.Join(lines, "\n")
}

// status is that of one file.
func (f *fixture) status(name string) Status {
	f.t.Helper()
	for _, s := range f.Status() {
		if filepath.Base(s.Path) == name {
			return s
		}
	}
	f.t.Fatalf("%s is not in the status %+v", name, f.Status())
	return Status{}
}

// run runs the Watcher until the test ends, with the usual time to settle.
func (f *fixture) run() {
	f.t.Helper()
	f.settle = settled
	ctx, cancel := context.WithCancel(f.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	f.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			f.t.Errorf("Run returned %v", err)
		}
	})
}

// await waits until the zone has some nodes.
func (f *fixture) await(lines ...string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), testkit.Patience)
	defer cancel()
	var got string
	for s := range f.store.Watch(ctx) {
		if got = show(s); got == strings.Join(lines, "\n") {
			return
		}
	}
	f.t.Fatalf("the zone has\n%s\nwant\n%s\nlog:\n%s", got, strings.Join(lines, "\n"), &f.logged)
}
