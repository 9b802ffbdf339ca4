package changelog

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

func TestChangelogIsOneLineForEachKindOfChange(t *testing.T) {
	t.Parallel()
	store, err := zone.NewStore(zone.Config{Local: self, RetainDeparted: zone.RetainForever})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := Writer{Logger: slog.New(slog.NewTextHandler(&out, nil))}
	step := func(change func()) string {
		log.last = store.Snapshot()
		change()
		out.Reset()
		log.write(store.Snapshot())
		return out.String()
	}
	source := store.Source("curator")
	id := func(i int) string { return fmt.Sprintf("metropolis-%032x", i) }
	entries := func(third int) (all []zone.Entry) {
		for i := 1; i <= 100; i++ {
			all = append(all, zone.Entry{ID: id(i), Addresses: testkit.Addrs(fmt.Sprintf("192.0.%d.%d", third, i))})
		}
		return all
	}
	named := func(i int, names ...string) zone.Entry {
		return zone.Entry{ID: id(i), Names: names}
	}
	for _, test := range []struct {
		name   string
		change func()
		want   string
	}{
		{"join", func() { source.Set(entries(2)...) }, "new nodes"},
		{"move", func() { source.Set(entries(3)...) }, "nodes have a new address"},
		{"depart", func() { source.Begin(); source.Set(zone.Entry{ID: self}); source.Complete() }, "nodes departed, still answered"},
		{"return", func() { source.Set(entries(3)...) }, "departed nodes are back"},
		{"ours", func() { store.SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.200")}) }, "new local address"},
		{"name", func() { source.Set(named(1, "web-1"), named(2, "web-2")) }, "nodes have other names"},
		{"no name", func() { source.Set(named(2)) }, id(2) + " -]"},
		{"expected", func() { source.Expect(true) }, "running with a cluster"},
		{"not expected", func() { source.Expect(false) }, "running without a cluster"},
		{"another cluster, which the zone tells", func() { source.SetCluster("x"); source.SetCluster("y") }, ""},
	} {
		got := step(test.change)
		lines := 1
		if test.want == "" {
			lines = 0
		}
		if strings.Count(got, "\n") != lines || !strings.Contains(got, test.want) {
			t.Errorf("%s: logged %q, want %d lines with %q", test.name, got, lines, test.want)
		}
		if len(got) > 1500 {
			t.Errorf("%s: a line of %d characters", test.name, len(got))
		}
	}
}

// A name that several nodes claim is a warning when that begins, and when one of them
// gets it.
func TestChangelogOfNameConflicts(t *testing.T) {
	t.Parallel()
	store, err := zone.NewStore(zone.Config{Local: self, RetainDeparted: zone.RetainForever})
	if err != nil {
		t.Fatal(err)
	}
	source := store.Source("curator")
	id := func(i int) string { return fmt.Sprintf("metropolis-%032x", i) }
	claim := func(name string, nodes ...int) (all []zone.Entry) {
		for _, i := range nodes {
			all = append(all, zone.Entry{ID: id(i), Names: []string{name}})
		}
		return all
	}
	for _, step := range []struct {
		change func()
		want   string
	}{
		{func() { source.Begin(); source.Set(claim("web", 1, 2)...); source.Complete() }, "web: " + id(1) + " and " + id(2) + "; none has it"},
		{func() { source.Set(claim("web", 3)...) }, ""},
		{func() { source.Set(claim("db", 2, 3)...) }, "db: " + id(2) + " and " + id(3)},
		{func() { source.Set(claim("web", 2)...) }, "web: " + id(1) + " and " + id(2) + "; the first has it"},
	} {
		var out testkit.Log
		log := Writer{Logger: out.Logger(), last: store.Snapshot()}
		step.change()
		log.write(store.Snapshot())
		got, warned := out.String(), out.Count("nodes claim the same name") == 1
		if warned != (step.want != "") || !strings.Contains(got, step.want) {
			t.Errorf("logged %q, want %q", got, step.want)
		}
	}
}

// A node that flaps for an hour fills no log, and quiet brings the pace back.
func TestChangelogSlowsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, err := zone.NewStore(zone.Config{Local: self, RetainDeparted: zone.RetainForever})
		if err != nil {
			t.Fatal(err)
		}
		var out testkit.Log
		log := Writer{Logger: slog.New(slog.NewTextHandler(&out, nil)), last: store.Snapshot()}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- log.Run(ctx, store) }()
		source := store.Source("curator")
		move := func(i int) {
			source.Set(zone.Entry{ID: fmt.Sprintf("metropolis-%032x", 1), Addresses: testkit.Addrs(fmt.Sprintf("192.0.2.%d", 1+i%200))})
		}
		for i := range 36_000 {
			move(i)
			time.Sleep(100 * time.Millisecond)
		}
		const most = int(time.Hour/maxLogInterval) + 10
		if lines := strings.Count(out.String(), "\n"); lines > most || lines < most/2 {
			t.Errorf("%d lines, want at most %d", lines, most)
		}
		time.Sleep(3 * maxLogInterval)
		before := strings.Count(out.String(), "\n")
		for i := range 2 {
			move(500 + i)
			time.Sleep(logInterval + time.Millisecond)
			synctest.Wait()
		}
		if lines := strings.Count(out.String(), "\n") - before; lines != 2 {
			t.Errorf("%d lines after the quiet, want 2", lines)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
