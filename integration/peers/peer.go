package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// peer is a server that takes part.
type peer struct {
	name string // of the flag -peers
	what string // in the tables
	// obtain gets its programs, in the first stage.
	obtain func(*shelf) error
	// version names what was obtained; nil: it is of this repository.
	version func(*shelf) string
	// start writes its configuration and returns the command of a process that
	// stays in the foreground.
	start func(*shelf, *site) (*exec.Cmd, error)
	// caches is whether it can serve a site that has an upstream.
	caches bool
	// largest is the number of nodes above which it isn't tried; 0: none.
	largest int
	// changes makes a change of the running server visible; nil where there is
	// no way to.
	changes func(*server, change) error
	// prepares is what can be done for that in advance.
	prepares func(*server, change) error
	// churns is whether its nodes can change all the time. Its curator then
	// changes them.
	churns bool
}

// site is what a server is started for.
type site struct {
	dir   string // its own
	port  int    // on 127.0.0.1
	cores int    // which it may use
	// nodes is how many it knows; 0: none, it queries the upstream.
	nodes    int
	naming   naming
	upstream int // port
	// connections is how many there will be over TCP.
	connections int
	// live is whether nodes will change.
	live bool
}

// file is the path of a file of the server's own.
func (s *site) file(name string) string { return filepath.Join(s.dir, name) }

// write writes a file of the server's own.
func (s *site) write(name, text string) error {
	return os.WriteFile(s.file(name), []byte(text), 0o644)
}

// place puts the file of the nodes where the server looks for it.
func (s *site) place(from *shelf, f format) error {
	shared, err := from.names(f, s.naming, s.nodes)
	if err != nil {
		return err
	}
	// A change replaces the link and never writes through it.
	return os.Link(shared, s.file(f.name))
}

// peers are all that there are, in the order of the tables.
var peers = []*peer{echo, nodedns, knot, nsd, unbound, dnsmasq, mapserver, coredns, resolved}

func peerNames() []string {
	var names []string
	for _, p := range peers {
		names = append(names, p.name)
	}
	return names
}

// peerOf finds a peer by a name that is known to exist.
func peerOf(name string) *peer {
	for _, p := range peers {
		if p.name == name {
			return p
		}
	}
	return nil
}

// rewrites is the way to change a server that reads a file: the new one is
// written beside it, and renamed at the change.
func rewrites(f format) func(*server, change) error {
	return func(s *server, c change) error {
		return writeNames(s.site.file(f.name+".new"), f, s.site.naming, s.site.nodes, c)
	}
}

// renames puts the new file in place, and signals the server to read it unless
// it watches the file.
func renames(f format, signal syscall.Signal) func(*server, change) error {
	return func(s *server, _ change) error {
		if err := os.Rename(s.site.file(f.name+".new"), s.site.file(f.name)); err != nil || signal == 0 {
			return err
		}
		return s.cmd.Process.Signal(signal)
	}
}
