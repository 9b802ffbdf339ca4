package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

// resolvConf is what programs read.
func (m *Input) resolvConf() (contents resolvconf.Contents, found bool) {
	text, found := m.read(machine.ResolvConf)
	return resolvconf.Parse(text), found
}

func checkResolvConf(m *Input) []Finding {
	contents, found := m.resolvConf()
	if !found {
		return nil
	}
	servers := spell(contents.Servers)
	us := func(s netip.AddrPort) bool { return m.isListener(s) }
	first := len(contents.Servers) > 0 && us(contents.Servers[0])
	if m.Status == nil {
		if !first || !m.vacant(contents.Servers[0]) {
			return nil
		}
		return []Finding{problem(
			fmt.Sprintf("%s names %s, and no server answers there", machine.ResolvConf, servers),
			"no name is resolved on this machine", "start the daemon, or give the file back: `nodedns resolvconf restore`")}
	}
	findings := m.resolvConfState()
	if line, err := m.hostsLine(); err == nil && line.Index(nsswitch.Resolve) >= 0 && m.Config.VarlinkSocket != "" {
		return findings // programs use varlink
	}
	switch {
	case !first && len(findings) == 0 && !m.asksResolved():
		findings = append(findings, warning(
			fmt.Sprintf("%s names %s, and not nodedns", machine.ResolvConf, orNoServer(servers)),
			"programs ask a server that does not know the nodes; only the hosts file has them",
			"`nodedns enable --only resolv-conf`, or name the listener there"))
	case first && !slices.ContainsFunc(contents.Servers[1:], us) && len(contents.Servers) > 1:
		findings = append(findings, warning(
			fmt.Sprintf("%s names others behind nodedns: %s", machine.ResolvConf, servers),
			"programs that get no answer in time ask them, and they do not know the nodes",
			"name nodedns alone: it asks the others itself"))
	}
	return findings
}

// resolvConfState is what the daemon reports of the file that it manages.
func (m *Input) resolvConfState() []Finding {
	s := m.Status.ResolvConf
	if s == nil || s.Error == "" {
		return nil
	}
	fix := "fix the cause that the error names"
	if s.State == resolvconf.StateLeft || s.State == resolvconf.StateContested {
		fix = resolvconf.Remedy(s.LastOverwrittenBy) + ", and reload nodedns"
	}
	return []Finding{problem(s.Error, "programs do not ask nodedns", fix)}
}

// checkSearchList finds domains that are forwarded although multicast DNS has the
// names below local, because the search list has them.
func checkSearchList(m *Input) []Finding {
	if m.Status == nil {
		return nil
	}
	var domains, servers []string
	for _, u := range m.Status.UpstreamStatus {
		if len(u.Searched) > 0 {
			domains, servers = u.Searched, append(servers, u.Server) // each server has all of them
		}
	}
	if len(domains) == 0 {
		return nil
	}
	return []Finding{note("the search list has "+several(domains)+" below local",
		"such names are asked for at "+several(servers)+", the servers that come with the list, and not left to multicast DNS",
		"nothing, if that is the site's own domain; else take it from the search list")}
}

// vacant reports whether no program listens on an address.
func (m *Input) vacant(server netip.AddrPort) bool {
	_, _, held := listen.SocketOwner(m.Proc, "udp", server)
	return !held
}

func spell(servers []netip.AddrPort) string {
	texts := make([]string, len(servers))
	for i, s := range servers {
		texts[i] = s.Addr().String()
	}
	return several(texts)
}

func orNoServer(servers string) string {
	if servers == "" {
		return "no server"
	}
	return servers
}

func orUnknown(by string) string {
	if by == "" {
		return "the other program"
	}
	return by
}

// writer is a program that writes resolv.conf.
type writer struct {
	processes []string
	allowed   func(m *Input) bool // is it kept from writing
	fix       string
}

var writers = []writer{
	{
		[]string{"NetworkManager"},
		func(m *Input) bool {
			return m.setting("/etc/NetworkManager", "NetworkManager.conf", "conf.d", "dns") == "none" ||
				m.setting("/etc/NetworkManager", "NetworkManager.conf", "conf.d", "rc-manager") == "unmanaged"
		},
		resolvconf.Remedy("NetworkManager"),
	},
	{
		[]string{"dhclient", "dhcpcd", "udhcpc"},
		func(*Input) bool { return false },
		"keep its hook from writing the file, for dhclient by an empty make_resolv_conf in /etc/dhcp/dhclient-enter-hooks.d, for dhcpcd by nohook resolv.conf",
	},
	{[]string{"connmand"}, func(*Input) bool { return false }, "start it with --nodnsproxy, and let it not write resolv.conf"},
}

// checkWriters finds other programs that write the file that we manage.
func checkWriters(m *Input) []Finding {
	if m.Config.ResolvConf.Mode != resolvconf.ModeStub {
		return nil
	}
	newFinding := note
	fought := ""
	if m.Status != nil && m.Status.ResolvConf != nil && m.Status.ResolvConf.Overwrites > 0 {
		newFinding = warning
		fought = fmt.Sprintf(", and resolv.conf was overwritten %d times, last by %s",
			m.Status.ResolvConf.Overwrites, orUnknown(m.Status.ResolvConf.LastOverwrittenBy))
	}
	const impact = "what it writes over nodedns's is taken back, and for a moment programs ask another server"
	var findings []Finding
	for _, w := range writers {
		if running := m.find(w.processes...); len(running) > 0 && !w.allowed(m) {
			findings = append(findings, newFinding(running[0].String()+" runs, which writes resolv.conf"+fought, impact, w.fix))
		}
	}
	if target := m.Link(machine.ResolvConf); strings.Contains(target, "resolvconf/") {
		findings = append(findings, newFinding(machine.ResolvConf+" leads to "+target+", which resolvconf(8) writes"+fought, impact,
			"remove the package resolvconf, or set files.resolv_conf to the file that it leads to"))
	}
	return findings
}

// setting is the last value of a key in an INI file and those of a directory
// beside it.
func (m *Input) setting(dir, file, more, key string) string {
	value := ""
	for _, path := range append([]string{dir + "/" + file}, m.List(dir+"/"+more, "*.conf")...) {
		if !m.Exists(path) {
			continue
		}
		text, _ := m.read(path)
		for line := range strings.Lines(text) {
			if name, is, found := strings.Cut(line, "="); found && strings.TrimSpace(name) == key {
				value = strings.TrimSpace(is)
			}
		}
	}
	return value
}
