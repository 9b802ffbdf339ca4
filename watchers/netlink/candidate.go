package netlink

import (
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// Candidate is an address of this machine, and why it is published or not.
type Candidate struct {
	Address   netip.Addr `json:"address"`
	Interface string     `json:"interface"`
	Chosen    bool       `json:"chosen"`
	// Reason is why it is chosen, or left.
	Reason string `json:"reason"`
}

// maxCandidates bounds the list of a machine with very many addresses. Those that
// are chosen come first.
const maxCandidates = 64

// Why an address is chosen.
const (
	chosenPreferred = "the preferred source of the default route"
	chosenSource    = "the kernel's source address for packets by the default route"
	chosenPresent   = "the one published before, and still good"
	chosenStable    = "a stable address of the interface of the default route"
	chosenOther     = "on the interface of the other family's default route"
	chosenLoopback  = "on loopback, as the interface of the other family's default route has none"
	chosenListed    = "on an interface that local.interfaces names"
	chosenLink      = "on an interface that leads out, as there is no default route"
	chosenByHand    = "in local.addresses"
)

// candidates are the addresses that may be this machine's for others, with the
// reasons; the chosen ones first.
func candidates(k kernel, globs []string, chosen []pick) (all []Candidate) {
	choices := map[bool]choice{false: newChoice(k, globs, nil, false), true: newChoice(k, globs, nil, true)}
	for _, p := range chosen {
		all = append(all, Candidate{p.ip, nameOf(k.links, p.link), true, p.reason})
	}
	for _, a := range k.addrs {
		if len(all) == maxCandidates {
			break
		}
		isChosen := slices.ContainsFunc(chosen, func(p pick) bool { return p.address == a })
		if a.reachable() && !isChosen {
			all = append(all, Candidate{a.ip, nameOf(k.links, a.link), false, choices[a.ip.Is6()].left(a, chosen)})
		}
	}
	return all
}

// left is why an address was not chosen.
func (c choice) left(a address, chosen []pick) string {
	l, known := c.link(a.link)
	at := slices.IndexFunc(chosen, func(p pick) bool { return p.ip.Is6() == a.ip.Is6() })
	switch {
	case a.flags&unix.IFA_F_DADFAILED != 0:
		return "another machine has it"
	case a.flags&unusable != 0:
		return "it is being checked whether another machine has it"
	case a.temporary():
		return "temporary"
	case !known || !l.up:
		return "its interface is down"
	case len(c.globs) > 0 && !matches(l, c.globs):
		return "on an interface that local.interfaces does not name"
	case l.tunnel() && len(c.globs) == 0:
		return "on a tunnel"
	case at >= 0 && a.deprecated() && !chosen[at].deprecated():
		return fmt.Sprintf("deprecated, and %s is not", chosen[at].ip)
	case at >= 0 && a.link != chosen[at].link:
		return fmt.Sprintf("not on %s, as the chosen %s is", nameOf(c.links, chosen[at].link), chosen[at].ip)
	case at >= 0:
		return fmt.Sprintf("%s is %s", chosen[at].ip, chosen[at].reason)
	case !a.global:
		return "of a scope that is not global"
	case len(c.routes) > 0:
		return "not on the interface of the default route"
	case len(c.others) > 0:
		return "no default route of its family, and not on the interface of the other family's"
	}
	return "on an interface that does not lead out"
}

func nameOf(links []link, index int) string {
	for _, l := range links {
		if l.index == index {
			return l.names[0]
		}
	}
	return fmt.Sprint("interface ", index)
}
