package saved

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

// id returns the n-th node ID.
func id(n int) string { return fmt.Sprintf("%s%032x", zone.DefaultPrefix, n) }

func live(n int, addrs ...string) zone.Entry {
	return zone.Entry{ID: id(n), Addresses: testkit.Addrs(addrs...), State: zone.StateUp}
}

// process is what one run of the daemon has: a zone, its curator source and
// the saved directory.
type process struct {
	*Directory
	t       *testing.T
	curator *zone.Source
	log     *testkit.Log
}

// start begins a run of the daemon; nothing is loaded yet.
func start(t *testing.T, dir string) *process {
	t.Helper()
	began := time.Now()
	store, err := zone.NewStore(zone.Config{
		Local:          zone.ID(id(0)),
		RetainDeparted: zone.RetainFor(24 * time.Hour),
		// Inside of a synctest bubble this is its time.
		Clock: func() time.Duration { return time.Since(began) },
	})
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, log: new(testkit.Log), curator: store.Source("curator")}
	p.curator.Expect(true)
	p.Directory = &Directory{Path: dir, Store: store, Logger: p.log.LoggerFrom(slog.LevelDebug)}
	return p
}

// backlog publishes all of a cluster's nodes to the zone.
func (p *process) backlog(cluster string, entries ...zone.Entry) {
	p.curator.SetCluster(cluster)
	p.curator.SetConnected(true)
	p.curator.Begin()
	p.curator.Set(entries...)
	p.curator.Complete()
}

// run runs the directory; the function that it returns ends it.
func (p *process) run() (stop func()) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	return func() {
		p.t.Helper()
		cancel()
		if err := <-ended; err != nil {
			p.t.Errorf("Run: %v", err)
		}
	}
}

func (p *process) mustLoad() {
	p.t.Helper()
	if err := p.Load(); err != nil {
		p.t.Fatalf("Load: %v", err)
	}
}

// zone describes the nodes of the zone as text, one line each.
func (p *process) zone() []string {
	counted := p.Store.DepartedFor()
	var lines []string
	for n := range p.Store.Snapshot().All() {
		line := fmt.Sprint(strings.TrimLeft(strings.TrimPrefix(string(n.ID()), string(zone.DefaultPrefix)), "0"), slices.Collect(n.Addrs()), n.Roles(), n.State(), n.CuratorPort())
		if n.Departed() {
			line += fmt.Sprint(" departed ", n.Since().Format(time.DateTime), " ", counted[n.ID()])
		}
		for name := range n.Names() {
			line += " " + name.Text
			if name.Origin == zone.NameFromCluster {
				line += " of the cluster"
			}
			if !name.Owned {
				line += " which is another's"
			}
		}
		if n.FromFile() {
			line += " from a file"
		}
		lines = append(lines, line)
	}
	return lines
}

// writes is how often the nodes were written.
func (p *process) writes() int { return p.log.Count("nodes saved") }

func TestSavedNodesSurviveARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		p := start(t, dir)
		stop := p.run()
		p.backlog("A",
			zone.Entry{ID: id(0), Addresses: testkit.Addrs("10.0.0.99"), Roles: zone.ConsensusMember, State: zone.StateUp, CuratorPort: 7835},
			live(1, "10.0.0.1"),
			live(2, "2001:db8::2"),
			live(3, "10.0.0.3", "2001:db8::3"),
			live(4),
			zone.Entry{ID: id(5), Addresses: testkit.Addrs("10.0.0.5"), Roles: zone.KubernetesController | zone.KubernetesWorker, State: zone.StateDecommissioned},
			live(6, "10.0.0.6"),
		)
		p.curator.Gone(id(6))
		time.Sleep(time.Hour)
		stop()
		want, written := p.zone(), p.Written()

		next := start(t, dir)
		if got := next.Written(); !got.IsZero() {
			t.Errorf("written at %v, before anything was loaded", got)
		}
		next.mustLoad()
		if got := next.Written(); written.IsZero() || !got.Equal(written.Truncate(time.Second)) {
			t.Errorf("loaded what was written at %v, want %v", got, written)
		}
		if got := next.zone(); !slices.Equal(got, want) {
			t.Errorf("zone after the restart:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		s := next.Store.Snapshot()
		if !s.Ready() || s.Cluster().Complete || s.Cluster().ID != "A" || s.Cluster().DataSince.IsZero() {
			t.Errorf("ready %v, cluster %+v: want a zone that is ready, though not by a backlog", s.Ready(), s.Cluster())
		}
	})
}

// Only connected time counts, and all of it, whatever ends the process.
func TestDepartedTimeAddsUpOverRestarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		for range 3 {
			p := start(t, dir)
			p.mustLoad()
			stop := p.run()
			p.backlog("A", live(1, "10.0.0.1"))
			if _, known := p.Store.Snapshot().Lookup(id(2)); !known {
				p.curator.Set(live(2, "10.0.0.2"))
				p.curator.Gone(id(2))
			}
			time.Sleep(5 * time.Hour)
			p.curator.SetConnected(false)
			time.Sleep(10 * time.Hour)
			stop()
		}
		last := start(t, dir)
		last.mustLoad()
		if got := last.Store.DepartedFor()[zone.ID(id(2))]; got != 15*time.Hour {
			t.Errorf("%v of the retention counted, want 15h", got)
		}
	})
}

// A crash must not give a departed node all of its retention again.
func TestDepartedTimeIsSavedWithoutAShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, t.TempDir())
		stop := p.run()
		defer stop()
		p.backlog("A", live(1, "10.0.0.1"), live(2, "10.0.0.2"))
		p.curator.Gone(id(2))
		time.Sleep(10*time.Hour + time.Minute)
		crashed := start(t, p.Path)
		crashed.mustLoad()
		if got := crashed.Store.DepartedFor()[zone.ID(id(2))]; got < 9*time.Hour {
			t.Errorf("%v of the retention counted after a crash in the 11th hour", got)
		}
		if got := p.writes(); got > 12 {
			t.Errorf("%d writes in ten hours without a change", got)
		}
	})
}

// incomplete are states of a zone that lacks a backlog.
var incomplete = map[string]func(*process){
	"nothing":         func(*process) {},
	"connected":       func(p *process) { p.curator.SetConnected(true) },
	"empty backlog":   func(p *process) { p.curator.Begin() },
	"partial backlog": func(p *process) { p.curator.Begin(); p.curator.Set(live(7, "10.0.0.7")) },
	"no marker":       func(p *process) { p.curator.Begin(); p.curator.Set(live(7, "10.0.0.7")); p.curator.Settle() },
	"tombstone":       func(p *process) { p.curator.Begin(); p.curator.Gone(id(1)) },
	"another address": func(p *process) { p.curator.Begin(); p.curator.Set(live(1, "10.0.0.11")) },
	"a name":          func(p *process) { p.curator.Begin(); p.curator.Set(called(1, "web-1"), called(2, "web-2")) },
	"not expected":    func(p *process) { p.Store.SetLocal(addrs("10.0.0.99")); p.curator.Expect(false) },
}

// A first file is one of complete data: loaded later, it denies the names that it lacks.
func TestIncompleteDataMakesNoFile(t *testing.T) {
	t.Parallel()
	for name, state := range incomplete {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := start(t, t.TempDir())
				p.mustLoad()
				stop := p.run()
				state(p)
				p.SaveAhead()
				time.Sleep(2 * countInterval)
				stop()
				requireNoFile(t, p.Path)
			})
		})
	}
}

// What is reported before the backlog ends is added to what was loaded, and takes
// nothing of it away: whatever ends the process, the next one has both.
func TestIncompleteDataIsAddedToWhatWasLoaded(t *testing.T) {
	t.Parallel()
	for name, state := range incomplete {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				first := start(t, dir)
				stop := first.run()
				first.backlog("A", live(1, "10.0.0.1"), called(2, "db"), live(3, "10.0.0.3"))
				stop()
				saved := time.Now()
				time.Sleep(time.Hour)

				next := start(t, dir)
				next.mustLoad()
				stop = next.run()
				state(next)
				time.Sleep(2 * minInterval)
				killed := next.restart()
				if got, want := killed.zone(), next.zone(); !slices.Equal(got, want) || len(got) < 4 {
					t.Errorf("zone after the restart %q, want %q", got, want)
				}
				stop()
				s := killed.Store.Snapshot()
				if !s.Ready() || s.Cluster().ID != "A" || s.Cluster().DataSince.Sub(saved).Abs() > time.Second {
					t.Errorf("ready %v, data of %v: want a zone that denies names, of %v", s.Ready(), s.Cluster().DataSince, saved)
				}
			})
		})
	}
}

// restart is what a process knows that starts now, with the kernel's addresses.
func (p *process) restart() *process {
	p.t.Helper()
	next := start(p.t, p.Path)
	next.mustLoad()
	next.Store.SetLocal(slices.Collect(p.Store.Snapshot().Local().Addrs()))
	return next
}

func read(t *testing.T, dir string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestOnlyChangesAreWritten(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*process)
		writes int
	}{
		"nothing":          {func(*process) {}, 0},
		"the same backlog": {func(p *process) { p.backlog("A", live(1, "10.0.0.1"), live(2)) }, 0},
		"connection":       {func(p *process) { p.curator.SetConnected(false) }, 0},
		"our address":      {func(p *process) { p.Store.SetLocal(addrs("10.0.0.9")) }, 0},
		"our role":         {func(p *process) { p.curator.Set(zone.Entry{ID: id(0), Roles: zone.KubernetesWorker}) }, 1},
		"address":          {func(p *process) { p.curator.Set(live(1, "10.0.0.11")) }, 1},
		"role":             {func(p *process) { p.curator.Set(zone.Entry{ID: id(2), Roles: 1, State: zone.StateUp}) }, 1},
		"state":            {func(p *process) { p.curator.Set(zone.Entry{ID: id(2)}) }, 1},
		"departure":        {func(p *process) { p.curator.Gone(id(1)) }, 1},
		"new node":         {func(p *process) { p.curator.Set(live(3)) }, 1},
		"many":             {func(p *process) { p.curator.Set(live(3), live(4), live(5)) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				first := start(t, dir)
				stop := first.run()
				first.backlog("A", live(1, "10.0.0.1"), live(2))
				stop()
				if got := first.writes(); got != 1 {
					t.Fatalf("%d writes of the first backlog", got)
				}

				p := start(t, dir)
				p.mustLoad()
				p.backlog("A", live(1, "10.0.0.1"), live(2))
				stop = p.run()
				time.Sleep(2 * minInterval)
				if got := p.writes(); got != 0 {
					t.Errorf("%d writes of what was loaded", got)
				}
				tt.change(p)
				stop()
				if got := p.writes(); got != tt.writes {
					t.Errorf("%d writes, want %d", got, tt.writes)
				}
			})
		})
	}
}

func TestWritesAreRare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, t.TempDir())
		stop := p.run()
		p.backlog("A", live(2, "10.1.0.1"))
		const changes, every = 1000, 20 * time.Millisecond
		for i := range changes {
			p.curator.Set(live(1, fmt.Sprintf("10.0.%d.%d", i>>8, i&255)))
			time.Sleep(every)
		}
		stop()
		// One at once, one for each interval and one for the shutdown.
		if got, most := p.writes(), int(changes*every/minInterval)+2; got < 2 || got > most {
			t.Errorf("%d writes for %d changes, want 2 to %d", got, changes, most)
		}
		next := start(t, p.Path)
		next.mustLoad()
		if n, _ := next.Store.Snapshot().Lookup(id(1)); fmt.Sprint(slices.Collect(n.Addrs())) != "[10.0.3.231]" {
			t.Errorf("the last change is not in the file but %v", slices.Collect(n.Addrs()))
		}
	})
}

func TestAnotherCluster(t *testing.T) {
	t.Parallel()
	t.Run("while running", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			p := start(t, dir)
			defer p.run()()
			p.backlog("A", live(1, "10.0.0.1"))
			synctest.Wait()
			// A change that waits for its turn must not delay the removal.
			p.curator.Set(live(2, "10.0.0.2"))
			synctest.Wait()
			p.curator.SetCluster("B")
			synctest.Wait()
			requireNoFile(t, dir)
			if got := p.Written(); !got.IsZero() {
				t.Errorf("written at %v, want no time without a file", got)
			}
			p.backlog("B", live(3, "10.0.0.3"))
			time.Sleep(2 * minInterval)
			next := start(t, dir)
			next.mustLoad()
			if got := next.zone(); len(got) != 2 || next.Store.Snapshot().Cluster().ID != "B" {
				t.Errorf("loaded %v, want the other cluster's node", got)
			}
		})
	})
	t.Run("while stopping", func(t *testing.T) {
		t.Parallel()
		p := start(t, t.TempDir())
		p.backlog("A", live(1, "10.0.0.1"))
		stopped, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Run(stopped); err != nil {
			t.Fatal(err)
		}
		p.curator.SetCluster("B")
		if err := p.Run(stopped); err != nil {
			t.Fatal(err)
		}
		requireNoFile(t, p.Path)
	})
	t.Run("after a restart", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			first := start(t, dir)
			stop := first.run()
			first.backlog("A", live(1, "10.0.0.1"))
			stop()

			p := start(t, dir)
			p.mustLoad()
			defer p.run()()
			p.curator.SetCluster("B")
			synctest.Wait()
			requireNoFile(t, dir)
		})
	})
	t.Run("known before loading", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			first := start(t, dir)
			stop := first.run()
			first.backlog("A", live(1, "10.0.0.1"))
			stop()

			p := start(t, dir)
			p.backlog("B", live(3, "10.0.0.3"))
			p.mustLoad()
			requireNoFile(t, dir)
			if _, found := p.Store.Snapshot().Lookup(id(3)); !found {
				t.Error("loading dropped the live cluster's node")
			}
		})
	})
}

func requireNoFile(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, FileName)); !os.IsNotExist(err) {
		t.Errorf("there is a file, which nothing is to have made or left (%v)", err)
	}
}
