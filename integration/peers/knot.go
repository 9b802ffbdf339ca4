package main

import (
	"fmt"
	"os/exec"
	"syscall"
)

var knot = &peer{
	name:    "knot",
	what:    "knot",
	obtain:  debian("knot"),
	version: func(s *shelf) string { return s.version("knot") },
	start: func(sh *shelf, s *site) (*exec.Cmd, error) {
		if err := s.place(sh, masterFormat); err != nil {
			return nil, err
		}
		err := s.write("knot.conf", fmt.Sprintf(`server:
    listen: 127.0.0.1@%d
    rundir: %s
    udp-workers: %d
    tcp-workers: %d
    background-workers: 1
    tcp-max-clients: %d
    tcp-reuseport: off
log:
  - target: stderr
    any: warning
database:
    storage: %s
zone:
  - domain: .
    storage: %s
    file: %s
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
`, s.port, s.dir, s.cores, s.cores, s.connections+200, s.dir, s.dir, masterFormat.name))
		return sh.unpacked("knot", "usr/sbin/knotd", "-c", s.file("knot.conf")), err
	},
	prepares: rewrites(masterFormat),
	changes:  renames(masterFormat, syscall.SIGHUP),
}
