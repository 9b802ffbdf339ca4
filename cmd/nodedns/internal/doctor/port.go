package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
	"github.com/nodedns/nodedns/resolver/listen"
)

// checkPort finds the programs on addresses that are configured but not
// listened on. It needs the daemon's status.
func checkPort(m *Input) []Finding {
	if errors.Is(m.StatusError, fs.ErrPermission) {
		return nil
	}
	var bound []netip.AddrPort
	if m.Status != nil {
		bound = m.listeners()
	}
	var findings []Finding
	for _, wanted := range m.Config.Listen {
		if wanted.Port() == 0 || slices.Contains(bound, wanted) {
			continue
		}
		for _, network := range []string{"udp", "tcp"} {
			who, remedy, held := listen.SocketOwner(m.Proc, network, wanted)
			if held {
				findings = append(findings, problem(
					fmt.Sprintf("%s has %v (%s)", who, wanted, network),
					"nodedns cannot answer there, and does not start for it", remedy))
				break
			}
		}
	}
	return findings
}

// checkResolved finds systemd-resolved beside us. It is harmless by itself.
func checkResolved(m *Input) []Finding {
	running := m.find("systemd-resolved")
	if len(running) == 0 {
		return nil
	}
	seen := running[0].String() + " runs too"
	const fix = "`systemctl disable --now systemd-resolved`, once resolv.conf is no symlink to its files; " +
		"or set DNSStubListener=no for it, and keep resolve out of the hosts line of /etc/nsswitch.conf"
	line, err := m.hostsLine()
	if err == nil && line.Index(nsswitch.Resolve) >= 0 && m.Config.VarlinkSocket == "" {
		return []Finding{warning(seen+", and /etc/nsswitch.conf has resolve",
			"programs ask it, and it does not know the nodes unless it asks nodedns", fix)}
	}
	if m.asksResolved() {
		return []Finding{warning(seen+", and "+machine.ResolvConf+" names it",
			"programs ask it, and it does not know the nodes unless it asks nodedns", fix)}
	}
	return []Finding{note(seen, "programs that ask it by D-Bus do not find the nodes; all others are not concerned", fix)}
}

// asksResolved reports whether systemd-resolved runs, and resolv.conf names a
// listener of it that is not ours.
func (m *Input) asksResolved() bool {
	contents, found := m.resolvConf()
	return found && len(m.find("systemd-resolved")) > 0 && slices.ContainsFunc(contents.Servers, func(s netip.AddrPort) bool {
		stub := s.Addr() == netip.AddrFrom4([4]byte{127, 0, 0, 53}) || s.Addr() == netip.AddrFrom4([4]byte{127, 0, 0, 54})
		return stub && !m.isListener(s)
	})
}
