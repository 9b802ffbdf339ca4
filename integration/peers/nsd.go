package main

import (
	"fmt"
	"os/exec"
	"syscall"
)

// nsd has its limit of replies a second turned off: the load is one client.
var nsd = &peer{
	name:    "nsd",
	what:    "nsd",
	obtain:  debian("nsd"),
	version: func(s *shelf) string { return s.version("nsd") },
	start: func(sh *shelf, s *site) (*exec.Cmd, error) {
		if err := s.place(sh, masterFormat); err != nil {
			return nil, err
		}
		err := s.write("nsd.conf", fmt.Sprintf(`server:
  ip-address: 127.0.0.1@%d
  server-count: %d
  reuseport: yes
  username: ""
  zonesdir: "%s"
  database: ""
  pidfile: ""
  xfrdfile: "%s"
  zonelistfile: "%s"
  tcp-count: %d
  tcp-timeout: 120
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "%s"
`, s.port, s.cores, s.dir, s.file("xfrd.state"), s.file("zone.list"), s.connections+200, masterFormat.name))
		return sh.unpacked("nsd", "usr/sbin/nsd", "-d", "-c", s.file("nsd.conf")), err
	},
	prepares: rewrites(masterFormat),
	changes:  renames(masterFormat, syscall.SIGHUP),
}
