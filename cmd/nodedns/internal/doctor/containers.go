package doctor

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

// maxNamespaces bounds how many containers are looked into.
const maxNamespaces = 4096

// realServers is the file with the servers that containers can reach.
const realServers = "/run/nodedns/resolv.conf"

// containerFix is how a container gets servers that it can reach.
const containerFix = "give the container " + realServers + " as its resolv.conf, or servers by its engine's own option, " +
	"or let nodedns listen on the bridge (dns.listen and dns.allow) and name that address"

// checkContainers looks into the other network namespaces: what is loopback
// there is not ours.
func checkContainers(m *Input) []Finding {
	var wrong []string
	seen := map[string]bool{m.namespace("self", "net"): true, "": true}
	own := m.namespace("self", "net")
	for _, p := range m.running() {
		network := m.namespace(p.PID, "net")
		// One process stands for all that see the same network and files.
		view := network + m.namespace(p.PID, "mnt")
		if network == "" || network == own || seen[view] {
			continue
		}
		if len(seen) > maxNamespaces {
			m.forbidden = append(m.forbidden, "more than 4096 containers")
			break
		}
		seen[view] = true
		if server, ok := m.unreachable(p); ok {
			wrong = append(wrong, fmt.Sprintf("%v names %v", p, server))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	return []Finding{problem(
		"a resolv.conf in another network namespace names this machine's loopback: "+several(wrong),
		"loopback is another one there, without a server: no name is resolved", containerFix)}
}

// namespace identifies a namespace of a process. What may not be looked at is "".
func (m *Input) namespace(pid, kind string) string {
	name, err := os.Readlink(filepath.Join(m.Proc, pid, "ns", kind))
	m.note("the network namespaces of others' processes", err)
	return name
}

// unreachable finds a listener of ours on loopback in the resolv.conf of a
// process that sees another loopback, on which no server answers.
func (m *Input) unreachable(p machine.Process) (server netip.Addr, found bool) {
	root := filepath.Join(m.Proc, p.PID)
	text, err := machine.Machine{Root: filepath.Join(root, "root")}.Read(machine.ResolvConf)
	if err != nil || !m.connected(p) {
		return netip.Addr{}, false
	}
	for _, s := range resolvconf.Parse(text).Servers {
		_, _, held := listen.SocketOwner(root, "udp", s)
		if s.Addr().IsLoopback() && m.isListener(s) && !held {
			return s.Addr(), true
		}
	}
	return netip.Addr{}, false
}

// connected reports whether a process has a network but loopback. A service
// that is shut off from the network, as systemd can do, resolves nothing
// anyway.
func (m *Input) connected(p machine.Process) bool {
	text, _ := m.ReadProc(filepath.Join(p.PID, "net/dev"))
	for line := range strings.Lines(text) {
		if device, _, isDevice := strings.Cut(strings.TrimSpace(line), ":"); isDevice && device != "lo" {
			return true
		}
	}
	return false
}
