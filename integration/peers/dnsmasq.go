package main

import (
	"fmt"
	"os/exec"
	"syscall"
)

// dnsmasq uses one core only.
var dnsmasq = &peer{
	name:    "dnsmasq",
	what:    "dnsmasq",
	obtain:  debian("dnsmasq-base"),
	version: func(s *shelf) string { return s.version("dnsmasq-base") },
	caches:  true,
	start: func(sh *shelf, s *site) (*exec.Cmd, error) {
		args := []string{
			"--keep-in-foreground", "--log-facility=-", "--conf-file=/dev/null", "--pid-file=",
			"--user=root", "--group=root", "--no-resolv", "--no-hosts", "--bind-interfaces",
			"--listen-address=127.0.0.1", fmt.Sprintf("--port=%d", s.port), "--local-ttl=10",
		}
		if s.nodes == 0 {
			args = append(args, fmt.Sprintf("--server=127.0.0.1#%d", s.upstream), "--cache-size=10000")
			return sh.unpacked("dnsmasq-base", "usr/sbin/dnsmasq", args...), nil
		}
		if err := s.place(sh, hostsFormat); err != nil {
			return nil, err
		}
		// All names are its own, so that one that it lacks does not exist.
		args = append(args, "--addn-hosts="+s.file(hostsFormat.name), "--local=/#/")
		return sh.unpacked("dnsmasq-base", "usr/sbin/dnsmasq", args...), nil
	},
	prepares: rewrites(hostsFormat),
	changes:  renames(hostsFormat, syscall.SIGHUP),
}
