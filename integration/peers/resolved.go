package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// nobody is the user that it runs as, without the rights of root: as root it
// would look for a user that only its package's installation makes.
const nobody = 65534

// resolved is systemd-resolved. Its nodes are in /etc/hosts, which in the
// sandbox's own mount namespace is a file of ours. It needs no D-Bus: it waits
// for one, and answers meanwhile.
var resolved = &peer{
	name:    "resolved",
	what:    "systemd-resolved",
	obtain:  debian("systemd-resolved"),
	version: func(s *shelf) string { return s.version("systemd-resolved") },
	caches:  true,
	largest: 1000,
	start: func(sh *shelf, s *site) (*exec.Cmd, error) {
		text := fmt.Sprintf("[Resolve]\nDNSSEC=no\nDNSOverTLS=no\nLLMNR=no\nMulticastDNS=no\n"+
			"DNSStubListener=no\nDNSStubListenerExtra=127.0.0.1:%d\nFallbackDNS=\n", s.port)
		if s.nodes == 0 {
			if err := showNetwork(); err != nil {
				return nil, err
			}
			text += fmt.Sprintf("DNS=127.0.0.1:%d\nReadEtcHosts=no\nCache=yes\nCacheFromLocalhost=yes\n", s.upstream)
		} else if err := replaceHosts(sh, s); err != nil {
			return nil, err
		}
		const conf, state = "/run/systemd/resolved.conf.d", "/run/systemd/resolve"
		for _, dir := range []string{conf, state} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return nil, err
			}
		}
		if err := os.Chown(state, nobody, nobody); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(conf, "bench.conf"), []byte(text), 0o644); err != nil {
			return nil, err
		}
		cmd := sh.unpacked("systemd-resolved", "lib/systemd/systemd-resolved")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: nobody, Gid: nobody},
			// It drops the others by itself, and requires the right to do so.
			AmbientCaps: []uintptr{unix.CAP_SETPCAP},
		}
		return cmd, nil
	},
}

// replaceHosts lets /etc/hosts be the file of the nodes, for all processes in
// the sandbox, none of the others of which reads it.
func replaceHosts(sh *shelf, s *site) error {
	if err := s.place(sh, hostsFormat); err != nil {
		return err
	}
	if err := unix.Mount(s.file(hostsFormat.name), "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("put the nodes at /etc/hosts: %w", err)
	}
	return nil
}

// showNetwork makes a link with an address that leads nowhere: without one it
// takes the network for down, and does not even query a server on loopback.
func showNetwork() error {
	for _, args := range [][]string{
		{"link", "add", "bench0", "type", "veth", "peer", "name", "bench1"},
		{"addr", "add", "192.0.2.1/24", "dev", "bench0"},
		{"link", "set", "bench0", "up"},
		{"link", "set", "bench1", "up"},
	} {
		if _, err := output(exec.Command("ip", args...)); err != nil {
			return fmt.Errorf("make a link: %w", err)
		}
	}
	return nil
}
