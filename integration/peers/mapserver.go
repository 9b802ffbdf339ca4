package main

import (
	"fmt"
	"os/exec"
)

// mapserver is a plain miekg/dns server with a map. It is also the upstream of
// the row cache.
var mapserver = &peer{
	name:   "mapserver",
	what:   "miekg/dns with a map",
	obtain: func(s *shelf) error { return buildGo(s, "mapserver", sources+"/mapserver") },
	start: func(sh *shelf, s *site) (*exec.Cmd, error) {
		if err := s.place(sh, hostsFormat); err != nil {
			return nil, err
		}
		return exec.Command(sh.bin("mapserver"), "-listen", fmt.Sprintf("127.0.0.1:%d", s.port),
			"-hosts", s.file(hostsFormat.name)), nil
	},
	changes: func(s *server, c change) error {
		_, err := fmt.Fprintln(s.stdin, c.addr, s.site.naming.node(c.node))
		return err
	},
}

// upstreamPeer has the names of the row cache, which may be kept for an hour.
var upstreamPeer = &peer{
	name: "mapserver",
	what: "the upstream",
	start: func(sh *shelf, s *site) (*exec.Cmd, error) {
		if err := writeCachedNames(s.file(hostsFormat.name)); err != nil {
			return nil, err
		}
		return exec.Command(sh.bin("mapserver"), "-listen", fmt.Sprintf("127.0.0.1:%d", s.port),
			"-hosts", s.file(hostsFormat.name), "-ttl", "3600"), nil
	},
}
