package saved

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

func called(n int, names ...string) zone.Entry {
	e := live(n)
	e.Names = names
	return e
}

// All names survive, with where they come from and which node has them: those from
// the cluster and from files, our own, and the IDs of nodes without a key.
func TestNamesSurviveARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		first := start(t, dir)
		files := first.Store.FileSource("files")
		stop := first.run()
		fromFiles := []zone.Entry{
			{ID: "nas", Names: []string{"nas.home", "store"}, Addresses: testkit.Addrs("10.0.0.9")},
			called(0, "box", "box.example"),
			called(3, "www.example"),
			{ID: id(7), Names: []string{"seven"}, Addresses: testkit.Addrs("10.0.0.7")},
		}
		files.Begin()
		files.Set(fromFiles...)
		files.Set(zone.Entry{ID: "atlas", Addresses: testkit.Addrs("10.0.0.8")})
		files.Complete()
		first.backlog("A", called(0, "own"), called(2, "web-1"), called(3, "web-3"), called(4, "nas"))
		first.curator.Set(called(1, "web-1")) // the second one to claim it
		files.Gone("atlas")
		time.Sleep(time.Hour)
		stop()
		want := first.zone()
		for _, line := range []string{
			"[]  up 0 box box.example own of the cluster",
			"1[]  up 0 web-1 of the cluster which is another's",
			"2[]  up 0 web-1 of the cluster",
			"3[]  up 0 www.example web-3 of the cluster",
			"4[]  up 0 nas of the cluster which is another's",
			"7[10.0.0.7]  unknown 0 seven from a file",
			"nas[10.0.0.9]  unknown 0 nas nas.home store from a file",
		} {
			if !slices.Contains(want, line) {
				t.Errorf("the zone lacks %q", line)
			}
		}

		next := start(t, dir)
		next.mustLoad()
		if got := next.zone(); !slices.Equal(got, want) {
			t.Errorf("zone after the restart:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		files = next.Store.FileSource("files")
		files.Begin()
		files.Set(fromFiles...)
		files.Complete()
		stop = next.run()
		next.backlog("A", called(0, "own"), called(1, "web-1"), called(2, "web-1"), called(3, "web-3"), called(4, "nas"))
		next.curator.SetConnected(false) // so that no time of the retention passes
		time.Sleep(time.Minute)
		stop()
		if got := next.zone(); !slices.Equal(got, want) || next.writes() != 0 {
			t.Errorf("%d writes of what was loaded, and then the zone is:\n%s\nwant:\n%s", next.writes(), strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// A change of nothing but a name is saved, and so is a claim that takes it from none.
func TestRenamesAreSaved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, t.TempDir())
		stop := p.run()
		defer stop()
		p.backlog("A", called(1, "web-1"), called(2, "web-1"), called(3))
		for i, step := range []struct {
			change func()
			want   string
		}{
			{func() {}, "2[]  up 0 web-1 of the cluster which is another's"},
			{func() { p.curator.Set(called(1, "db")) }, "2[]  up 0 web-1 of the cluster"},
			{func() { p.curator.Set(called(1, "web-1")) }, "2[]  up 0 web-1 of the cluster"},
			{func() { p.curator.Set(called(2)) }, "2[]  up 0"},
		} {
			step.change()
			time.Sleep(2 * minInterval)
			next := start(t, p.Path)
			next.mustLoad()
			if got := next.zone(); !slices.Contains(got, step.want) || p.writes() != i+1 {
				t.Errorf("after %d writes %q was saved, want %q", p.writes(), got, step.want)
			}
		}
	})
}

// Without a cluster the files are what is saved, once all of them were read.
func TestFilesAloneAreSaved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		first := start(t, dir)
		first.curator.Expect(false)
		files := first.Store.FileSource("files")
		files.Expect(true)
		stop := first.run()
		files.Begin()
		files.Set(zone.Entry{ID: "nas", Addresses: testkit.Addrs("10.0.0.9")})
		time.Sleep(time.Minute)
		requireNoFile(t, dir)
		files.Set(called(0, "box"))
		files.Complete()
		time.Sleep(time.Minute)
		stop()
		want := append(first.zone(), "other[]  unknown 0 other from a file")

		// One that can be read takes nothing away of what was saved of another.
		next := start(t, dir)
		next.mustLoad()
		next.curator.Expect(false)
		files = next.Store.FileSource("files")
		files.Expect(true)
		stop = next.run()
		files.Begin()
		files.Set(zone.Entry{ID: "other"})
		time.Sleep(time.Minute)
		stop()
		last := start(t, dir)
		last.mustLoad()
		if got := last.zone(); !slices.Equal(got, want) || !slices.Contains(got, "nas[10.0.0.9]  unknown 0 nas from a file") {
			t.Errorf("zone after two restarts: %q, want %q", got, want)
		}
	})
}

// A machine whose own ID is free keeps the names that a file has for it.
func TestOwnFreeIDIsSaved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &process{t: t, log: new(testkit.Log)}
		restart := func(dir string) *zone.Source {
			store, err := zone.NewStore(zone.Config{Local: "box"})
			if err != nil {
				t.Fatal(err)
			}
			p.Directory = &Directory{Path: dir, Store: store, Logger: p.log.Logger()}
			return store.FileSource("files")
		}
		dir := t.TempDir()
		files := restart(dir)
		stop := p.run()
		files.Begin()
		files.Set(zone.Entry{ID: "Box", Names: []string{"box.example"}, Addresses: testkit.Addrs("10.0.0.9")})
		files.Complete()
		time.Sleep(time.Minute)
		stop()
		restart(dir)
		p.mustLoad()
		if got := p.zone(); len(got) != 1 || !strings.Contains(got[0], "box.example") || strings.Contains(got[0], "10.0.0.9") {
			t.Errorf("zone %q", got)
		}
	})
}
