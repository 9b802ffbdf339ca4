package main

import (
	"encoding/json"
	"fmt"
)

// measureIdle finds out what a TCP connection costs that sent one query and is
// then idle. Each server is alone and fresh.
func (b *bench) measureIdle() {
	file, err := b.shelf.queries(randomNames(byID), b.least())
	for _, name := range b.settings.peers {
		p := peerOf(name)
		if p == echo {
			continue // it supports UDP only
		}
		progress("%s, %d connections, %s", rowIdle, b.settings.idle, name)
		taken := sample{Row: rowIdle, Peer: name, Nodes: b.least()}
		if err == nil {
			taken.Failed = errorText(b.rest(p, file, &taken))
		} else {
			taken.Failed = err.Error()
		}
		b.results.add(taken)
	}
}

// rest measures one server.
func (b *bench) rest(p *peer, file string, into *sample) error {
	s, err := b.launch(p, site{nodes: b.least(), cores: 1, connections: b.settings.idle})
	if err != nil {
		return err
	}
	defer s.stop()
	before, err := s.memory()
	if err != nil {
		return err
	}
	cmd := ask{mode: "idle", file: file, sockets: b.settings.idle, seconds: 20}.command(s)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := b.pinned(b.settings.load, cmd.Start); err != nil {
		return fmt.Errorf("start the load: %w", err)
	}
	var told struct{ Held int }
	err = json.NewDecoder(out).Decode(&told)
	after, failed := s.memory()
	if err == nil {
		err = failed
	}
	_ = stdin.Close() // which ends the load
	if ended := cmd.Wait(); err == nil {
		err = ended
	}
	into.Held, into.Memory = told.Held, after-before
	return err
}
