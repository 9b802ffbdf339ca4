package main

import (
	"fmt"
	"os/exec"
	"syscall"
)

// unbound validates nothing here, as none of the others does.
var unbound = &peer{
	name:    "unbound",
	what:    "unbound",
	obtain:  debian("unbound"),
	version: func(s *shelf) string { return s.version("unbound") },
	caches:  true,
	start: func(sh *shelf, s *site) (*exec.Cmd, error) {
		source := fmt.Sprintf("forward-zone:\n  name: \".\"\n  forward-addr: 127.0.0.1@%d\n", s.upstream)
		if s.nodes > 0 {
			if err := s.place(sh, unboundFormat); err != nil {
				return nil, err
			}
			source = fmt.Sprintf("server:\n  include: \"%s\"\n", s.file(unboundFormat.name))
		}
		err := s.write("unbound.conf", fmt.Sprintf(`server:
  interface: 127.0.0.1
  port: %d
  num-threads: %d
  so-reuseport: yes
  do-ip6: no
  do-not-query-localhost: no
  username: ""
  chroot: ""
  directory: "%s"
  pidfile: ""
  use-syslog: no
  verbosity: 0
  module-config: "iterator"
  incoming-num-tcp: %d
remote-control:
  control-enable: no
%s`, s.port, s.cores, s.dir, s.connections+200, source))
		return sh.unpacked("unbound", "usr/sbin/unbound", "-d", "-c", s.file("unbound.conf")), err
	},
	prepares: rewrites(unboundFormat),
	changes:  renames(unboundFormat, syscall.SIGHUP),
}
