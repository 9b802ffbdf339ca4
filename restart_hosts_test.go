package nodedns

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/watchers/saved"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// TestRestartFindsTheHostsFileRight lets random things happen to a zone. Whenever the
// hosts file was written, a process that starts then, and hears of no source, has
// nothing to change in it: it knows for each name what the file has.
func TestRestartFindsTheHostsFileRight(t *testing.T) {
	t.Parallel()
	for seed := range testkit.Times(3, 30) {
		known := seed%3 < 2 // to an earlier run
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			p := &killable{t: t, root: t.TempDir(), random: rand.New(rand.NewPCG(uint64(seed), 0)), cluster: "A"}
			testkit.Must(t, os.Mkdir(filepath.Join(p.root, "etc"), 0o755))
			p.start(false)
			if known {
				p.curator.Begin()
				p.curator.Set(p.entry(1))
				p.curator.Complete()
				testkit.Must(t, p.files.Start(p.store.Snapshot()))
				p.start(false) // with a backlog yet to come
			}
			ready := 0
			for range testkit.Times(60, 100) {
				testkit.Must(t, p.files.Start(p.store.Snapshot()))
				if p.isRestartRight() {
					ready++
				}
				if t.Failed() {
					return
				}
				p.step()
			}
			if known && ready == 0 {
				t.Error("nothing was saved")
			}
		})
	}
}

// killable is what of a process has to do with the files.
type killable struct {
	t       *testing.T
	root    string
	random  *rand.Rand
	cluster string
	local   int // our address

	store            *zone.Store
	curator, machine *zone.Source
	files            *hostsfile.Keeper
	wrote            bool
	done             []string // what was done
}

// start has what a process is after its start, or without any source.
func (p *killable) start(alone bool) {
	var err error
	p.store, err = zone.NewStore(zone.Config{Local: self, RetainDeparted: zone.RetainFor(time.Hour)})
	testkit.Must(p.t, err)
	p.curator, p.machine = p.store.Source("curator"), p.store.FileSource("files")
	p.curator.Expect(true)
	directory := &saved.Directory{Path: filepath.Join(p.root, "state"), Store: p.store}
	testkit.Must(p.t, directory.Load())
	p.files, err = hostsfile.New(hostsfile.Config{
		Settings: hostsfile.Settings{Root: p.root, Hosts: "/etc/hosts"},
		ID:       self, Prefix: zone.DefaultPrefix, StateDir: directory.Path,
		BeforeHosts: directory.SaveAhead,
		Written:     func(string) { p.wrote = true },
	})
	testkit.Must(p.t, err)
	p.store.SetLocal([]netip.Addr{p.addr(p.local)})
	if !alone {
		p.curator.SetCluster(p.cluster)
	}
}

// isRestartRight starts a process beside the one that runs, and checks that it has
// nothing to write. It reports whether that one's zone is ready.
func (p *killable) isRestartRight() (ready bool) {
	p.t.Helper()
	next := &killable{t: p.t, root: p.root, local: p.local}
	next.start(true)
	text, err := os.ReadFile(filepath.Join(p.root, "etc/hosts"))
	testkit.Must(p.t, err)
	testkit.Must(p.t, next.files.Start(next.store.Snapshot()))
	if next.wrote {
		now, _ := os.ReadFile(filepath.Join(p.root, "etc/hosts"))
		p.t.Errorf("after %s the hosts file was\n%s\nand a restart makes it\n%s", strings.Join(p.done, ", "), text, now)
	}
	return next.store.Snapshot().Ready()
}

func (p *killable) addr(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + n)}) }

// entry is a random node, with addresses and names that others have too.
func (p *killable) entry(names int) zone.Entry {
	e := zone.Entry{ID: p.id(), Addresses: []netip.Addr{p.addr(p.random.IntN(6))}}
	for range p.random.IntN(names + 1) {
		e.Names = append(e.Names, fmt.Sprint("name-", p.random.IntN(5)))
	}
	return e
}

func (p *killable) id() string {
	return fmt.Sprintf("%s%032x", zone.DefaultPrefix, p.random.IntN(8))
}

// step does one thing.
func (p *killable) step() {
	steps := []struct {
		name string
		do   func()
	}{
		{"set", func() { p.curator.Set(p.entry(1), p.entry(1)) }},
		{"set", func() { p.curator.Set(p.entry(1)) }},
		{"gone", func() { p.curator.Gone(p.id()) }},
		{"begin", p.curator.Begin},
		{"complete", p.curator.Complete},
		{"settle", p.curator.Settle},
		{"file", func() { p.machine.Set(p.entry(3)) }},
		{"free ID", func() {
			p.machine.Set(zone.Entry{ID: fmt.Sprint("name-", p.random.IntN(5)), Addresses: []netip.Addr{p.addr(p.random.IntN(6))}})
		}},
		{"not in a file", func() { p.machine.Gone(p.id(), fmt.Sprint("name-", p.random.IntN(5))) }},
		{"retract", func() { p.machine.Retract(p.id(), fmt.Sprint("name-", p.random.IntN(5))) }},
		{"files begin", p.machine.Begin},
		{"files complete", p.machine.Complete},
		{"our address", func() { p.local = p.random.IntN(6); p.store.SetLocal([]netip.Addr{p.addr(p.local)}) }},
		{"expect", func() { p.curator.Expect(p.random.IntN(4) > 0) }},
		{"cluster", func() { p.cluster = string(rune('A' + p.random.IntN(2))); p.curator.SetCluster(p.cluster) }},
		{"restart", func() { p.start(false) }},
	}
	step := steps[p.random.IntN(len(steps))]
	p.done = append(p.done, step.name)
	step.do()
}
