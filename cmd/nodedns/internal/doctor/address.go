package doctor

import (
	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/watchers/netlink"
)

// checkAddress finds out whether this node has an address of its own: by what
// the daemon reports if it answers, else by what it would find here.
func checkAddress(m *Input) []Finding {
	if len(m.Config.Addresses) > 0 || m.Status != nil && (len(m.Status.Addresses) > 0 || m.Status.State == nodedns.StateStarting) {
		return nil
	}
	absence, concerned, known := m.absence()
	seen := "the daemon reports that this node has no address of its own"
	if m.Status == nil {
		if !known || absence == "" {
			return nil
		}
		seen = "this node has no address of its own, as it looks from here without the daemon"
	}
	reason, fix := m.absenceText(absence, concerned, known)
	return []Finding{problem(seen+": "+reason,
		"its own name resolves to nothing, the hosts file has no line for it, and other nodes do not learn where it is", fix)}
}

// absence is why no address is found here; not known where that is not to be
// looked at.
func (m *Input) absence() (absence netlink.Absence, concerned []string, known bool) {
	if m.Probes.Absence == nil {
		return "", nil, false
	}
	absence, concerned, err := m.Probes.Absence(m.Config.Interfaces)
	if err != nil {
		m.note("the network interfaces", err)
		return "", nil, false
	}
	return absence, concerned, true
}

// absenceText is why there is no address, and what to do.
func (m *Input) absenceText(absence netlink.Absence, concerned []string, known bool) (reason, fix string) {
	const byHand = ", or name the address in local.addresses"
	patterns := several(m.Config.Interfaces)
	switch {
	case !known:
		return "why cannot be seen from here", "look at `ip address` and `ip route`" + byHand
	case absence == "":
		return "though from here there is one",
			"look whether it runs in another network namespace, and with these keys of [local]; `systemctl restart nodedns` has it look again"
	case absence == netlink.NoMatch:
		return "local.interfaces has " + patterns + ", which no interface matches; there are " + orNone(concerned),
			"correct local.interfaces" + byHand
	case absence == netlink.LeftOut:
		return "addresses are on " + several(concerned) + " only, which are tunnels or lead to containers, and no default route through another interface has one",
			"name the interface in local.interfaces, if other nodes reach this one there, or give the machine a default route"
	case absence == netlink.NoneUp && len(concerned) == 0:
		return "there is no interface but loopback", "connect the machine to a network" + byHand
	case absence == netlink.NoneUp:
		return several(concerned) + " is down", "`ip link set " + concerned[0] + " up`, and check what sets up the network" + byHand
	}
	return several(concerned) + " has none that others could use", "check DHCP, or what else sets up the network there" + byHand
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return several(names)
}
