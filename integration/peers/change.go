package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// changeNodes is the number of nodes among which one changes, if the sizes have
// it.
const changeNodes = 100_000

// measureChanges finds out how soon a change of one node's address is answered,
// from when the server is notified of it, and for how long it answers nothing
// meanwhile. The servers are measured one by one: each change is several
// seconds of work for some.
func (b *bench) measureChanges() {
	nodes := b.changeSize()
	for _, name := range b.settings.peers {
		p := peerOf(name)
		if p.changes == nil || p.largest > 0 && nodes > p.largest {
			continue
		}
		progress("%s, %d nodes, %s", rowChange, nodes, name)
		for round, err := range b.changes(p, nodes) {
			b.results.add(sample{Row: rowChange, Peer: name, Nodes: nodes, Round: round, Failed: err.Error()})
		}
	}
}

// changeSize is changeNodes, or the largest size below.
func (b *bench) changeSize() int {
	sizes := slices.DeleteFunc(slices.Clone(b.settings.sizes), func(n int) bool { return n > changeNodes })
	if len(sizes) == 0 {
		return b.least()
	}
	return sizes[len(sizes)-1]
}

// changes makes a change in each round, and returns what failed.
func (b *bench) changes(p *peer, nodes int) map[int]error {
	s, err := b.launch(p, site{nodes: nodes, cores: 1, live: true})
	if err != nil {
		return map[int]error{0: err}
	}
	defer s.stop()
	for round := range b.settings.rounds {
		c := change{node: nodes / 2, addr: netip.AddrFrom4([4]byte{10, 1, 2, byte(round + 1)}), nth: round + 1}
		if p.prepares != nil {
			err = p.prepares(s, c)
		}
		if err == nil {
			err = b.watch(s, c, round)
		}
		if err != nil {
			return map[int]error{round: err}
		}
	}
	return nil
}

// watch makes a change while the load queries it.
func (b *bench) watch(s *server, c change, round int) error {
	file := s.site.file("watched")
	one := workload{name: "watched", write: func(ask func(string, uint16), _ int) { ask(nodeName(c.node), typeA) }}
	if err := writeQueries(file, one, 0); err != nil {
		return err
	}
	cmd := ask{mode: "watch", file: file, seconds: 30, address: c.addr.String()}.command(s)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := b.pinned(b.settings.load, cmd.Start); err != nil {
		return fmt.Errorf("start the load: %w", err)
	}
	defer func() {
		_ = cmd.Process.Kill() // an error means that it has ended
		_ = cmd.Wait()         // reports that it was killed
	}()
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil {
		return errors.New("no answer before the change")
	}
	began := monotonic()
	if err := s.peer.changes(s, c); err != nil {
		return fmt.Errorf("make the change: %w", err)
	}
	var watched struct{ Seen, Gap int64 }
	if err := json.NewDecoder(lines).Decode(&watched); err != nil {
		return fmt.Errorf("watch the change: %w", err)
	}
	if watched.Seen == 0 {
		return errors.New("the change was not answered within 30 s")
	}
	b.results.add(sample{
		Row: rowChange, Peer: s.peer.name, Nodes: s.site.nodes, Round: round,
		Visible: time.Duration(watched.Seen - began).Seconds(), Gap: time.Duration(watched.Gap).Seconds(),
	})
	return nil
}

// monotonic is the machine's clock, in nanoseconds, which the load reads too.
func monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // fails for an unknown clock only
	return t.Nano()
}
