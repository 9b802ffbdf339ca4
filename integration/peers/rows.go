package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Names of the rows that can be chosen.
const (
	rowSaturation = "saturation" // one name and random ones, each size
	rowMix        = "mix"
	rowReadable   = "names" // readable ones, random, each size
	rowMemory     = "memory"
	rowRate       = "rate"
	rowSingle     = "single"
	rowTCP        = "tcp"
	rowCache      = "cache"
	rowUnpinned   = "unpinned"
	rowChange     = "change"
	rowBusy       = "busy" // nodes change all the time
	rowIdle       = "idle"
)

func rowNames() []string {
	return []string{
		rowSaturation, rowMix, rowReadable, rowMemory, rowRate, rowSingle,
		rowTCP, rowCache, rowUnpinned, rowChange, rowBusy, rowIdle,
	}
}

// bench is one run of the whole.
type bench struct {
	settings settings
	shelf    *shelf
	results  *results
	launched int // servers so far
}

// run measures all rows. Failures are in the results.
func (b *bench) run() {
	for i, nodes := range b.settings.sizes {
		b.measureZone(nodes, i == 0)
		if b.wants(rowReadable) {
			b.measureNames(nodes)
		}
	}
	if b.wants(rowCache) {
		b.measureCache()
	}
	if b.wants(rowUnpinned) {
		b.measureUnpinned()
	}
	if b.wants(rowChange) {
		b.measureChanges()
	}
	if b.wants(rowBusy) {
		b.measureBusy()
	}
	if b.wants(rowIdle) {
		b.measureIdle()
	}
}

// clear removes all but what the next run can use.
func (b *bench) clear() { _ = os.RemoveAll(filepath.Join(b.shelf.Dir, "run")) }

func (b *bench) wants(row string) bool { return slices.Contains(b.settings.rows, row) }

// least is the smallest number of nodes: that of rows which have one only.
func (b *bench) least() int { return b.settings.sizes[0] }

// row is something that is measured of several servers in turn.
type row struct {
	name  string
	load  workload
	nodes int // 0: names of the upstream
	ask   ask
}

// saturating is the load that finds out what an answer costs: always enough of
// queries for a batch, and fewer than overflow a socket's buffer.
var saturating = ask{mode: "window", window: 128}

// measureZone measures servers of that many nodes, side by side.
func (b *bench) measureZone(nodes int, smallest bool) {
	var rows []row
	add := func(chosen, name string, w workload, a ask) {
		if b.wants(chosen) {
			rows = append(rows, row{name, w, nodes, a})
		}
	}
	add(rowSaturation, "one", oneName(byID), saturating)
	add(rowSaturation, "random", randomNames(byID), saturating)
	add(rowMix, rowMix, mixedNames(byID), saturating)
	if smallest {
		add(rowRate, rowRate, randomNames(byID), ask{mode: "rate", rate: b.settings.rate})
		add(rowSingle, rowSingle, randomNames(byID), ask{mode: "single"})
		add(rowTCP, rowTCP, randomNames(byID), ask{mode: "tcp", sockets: 100, window: 10})
	}
	if len(rows) == 0 && !b.wants(rowMemory) {
		return
	}
	servers := b.launchAll(site{nodes: nodes, cores: 1}, holds(nodes))
	defer stopAll(servers)
	b.interleave(servers, rows)
	if b.wants(rowMemory) {
		b.weigh(servers, nodes)
	}
}

// holds returns whether a peer is tried with that many nodes.
func holds(nodes int) func(*peer) bool {
	return func(p *peer) bool { return p.largest == 0 || nodes <= p.largest }
}

// namedRows are what the row names measures, of each naming. Names that no node has are
// part of it only below a local domain: elsewhere nodedns does not deny them.
var namedRows = map[naming][]func(naming) workload{
	byLabel: {randomNames, mixedNames},
	byFile:  {randomNames},
}

// measureNames measures servers of that many nodes by their readable names.
func (b *bench) measureNames(nodes int) {
	for _, n := range [...]naming{byLabel, byFile} {
		var rows []row
		for _, load := range namedRows[n] {
			rows = append(rows, row{load(n).name, load(n), nodes, saturating})
		}
		servers := b.launchAll(site{nodes: nodes, naming: n, cores: 1}, holds(nodes))
		b.interleave(servers, rows)
		stopAll(servers)
	}
}

// measureCache measures what has no nodes but an upstream, whose answers it
// keeps. The upstream is on the load's CPU, and rests once they are kept.
func (b *bench) measureCache() {
	b.settings.server, b.settings.load = b.settings.load, b.settings.server
	upstream, err := b.launch(upstreamPeer, site{cores: 1})
	b.settings.server, b.settings.load = b.settings.load, b.settings.server
	if err != nil {
		b.results.add(sample{Row: rowCache, Peer: nodedns.name, Failed: err.Error()})
		return
	}
	defer upstream.stop()
	servers := b.launchAll(site{cores: 1, upstream: upstream.site.port}, func(p *peer) bool { return p.caches })
	defer stopAll(servers)
	file, err := b.shelf.queries(cachedHits, 0)
	for _, s := range servers {
		if err == nil {
			// As many as are in front of the file, each once, and some more.
			_, err = b.ask(s, ask{mode: "window", window: 8, seconds: 0.5, file: file})
		}
	}
	if err != nil {
		b.results.add(sample{Row: rowCache, Peer: nodedns.name, Failed: err.Error()})
		return
	}
	b.interleave(servers, []row{{rowCache, cachedHits, 0, saturating}})
}

// measureUnpinned lets server and load have both CPUs. There are several
// sockets, so that a server that has several too gets something on each.
func (b *bench) measureUnpinned() {
	servers := b.launchAll(site{nodes: b.least(), cores: 2}, func(*peer) bool { return true })
	defer stopAll(servers)
	a := saturating
	a.sockets = 8
	b.interleave(servers, []row{{rowUnpinned, randomNames(byID), b.least(), a}})
}

// launchAll starts the peers that fit. One that doesn't start is reported in
// all rows.
func (b *bench) launchAll(s site, fits func(*peer) bool) []*server {
	progress("starting servers with %d nodes", s.nodes)
	var servers []*server
	for _, name := range b.settings.peers {
		p := peerOf(name)
		if !fits(p) {
			continue
		}
		started, err := b.launch(p, s)
		if err != nil {
			progress("%s can't take part with %d nodes: %v", name, s.nodes, err)
			b.results.add(sample{Row: "start", Peer: name, Nodes: s.nodes, Failed: err.Error()})
			continue
		}
		servers = append(servers, started)
	}
	return servers
}

func stopAll(servers []*server) {
	for _, s := range servers {
		s.stop()
	}
}

// interleave measures each row in several rounds, in each of which every server
// has its turn, beginning with another one.
func (b *bench) interleave(servers []*server, rows []row) {
	for _, r := range rows {
		progress("%s, %d nodes, %d servers", r.name, r.nodes, len(servers))
		file, err := b.shelf.queries(r.load, r.nodes)
		for round := range b.settings.rounds {
			for i := range servers {
				s := servers[(round+i)%len(servers)]
				if r.name == rowTCP && s.peer == echo {
					continue // it supports UDP only
				}
				taken := sample{Row: r.name, Peer: s.peer.name, Nodes: r.nodes, Round: round}
				if err == nil {
					r.ask.file = file
					err := b.measureOnce(s, r, round, &taken)
					taken.Failed = errorText(err)
				} else {
					taken.Failed = err.Error()
				}
				b.results.add(taken)
			}
		}
	}
}

// errorText is the text of an error, empty without one.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// measureOnce warms a server up and runs the load. Each round has another part
// of the queries, so that a zone's answers aren't those of the last round.
func (b *bench) measureOnce(s *server, r row, round int, into *sample) error {
	a := r.ask
	a.offset = float64(round) / float64(b.settings.rounds)
	a.seconds = b.settings.seconds / 5
	if _, err := b.ask(s, a); err != nil {
		return err
	}
	a.seconds = b.settings.seconds
	before, err := s.drops()
	if err != nil {
		return err
	}
	began := s.cpu()
	if into.report, err = b.ask(s, a); err != nil {
		return err
	}
	into.CPU = (s.cpu() - began).Seconds()
	after, err := s.drops()
	into.Dropped = after - before
	select {
	case <-s.exited:
		return errors.Join(errEnded, errors.New(s.logEnd()))
	default:
	}
	if into.Answered == 0 {
		return fmt.Errorf("no query of %d was answered", into.Sent)
	}
	into.Strange = s.peer != echo && r.load.strange(&into.report)
	return err
}

// strange reports whether replies are of other kinds than the workload expects.
func (w workload) strange(r *report) bool {
	off := func(got int64, want float64) bool {
		part := float64(got)/float64(r.Answered) - want
		return part > 0.02 || part < -0.02
	}
	return off(r.Hits, w.hits) || off(r.NoData, w.nodata) || off(r.NXDomain, w.nxdomain)
}

// weigh takes the memory of servers.
func (b *bench) weigh(servers []*server, nodes int) {
	for _, s := range servers {
		taken := sample{Row: rowMemory, Peer: s.peer.name, Nodes: nodes}
		var err error
		taken.Memory, err = s.memory()
		taken.Failed = errorText(err)
		b.results.add(taken)
	}
}
