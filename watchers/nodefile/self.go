package nodefile

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/zone"
)

// identity is how this machine's own entry is known.
type identity struct {
	id       string
	hostname string // in lower case, without final dot; perhaps with a domain
	addrs    []netip.Addr
}

func (m *identity) equal(other *identity) bool {
	return m.id == other.id && m.hostname == other.hostname && slices.Equal(m.addrs, other.addrs)
}

// match is why an entry is this machine's. The first one counts the most.
type match uint8

const (
	byID       match = iota
	byIDAsName       // our ID is a readable name, and one of its names
	byHostname       // the whole hostname is its ID or one of its names
	byLabel          // the first label of the hostname is that of its ID or a name
	byAddress
	noMatch
)

func (m match) String() string {
	return [...]string{"ID", "ID", "hostname", "hostname", "address", "none"}[m]
}

// match returns why a node of a file is this machine.
func (m *identity) match(n *entry) match {
	switch {
	case n.id() == m.id:
		return byID
	case n.has(m.id):
		return byIDAsName
	}
	found := noMatch
	if m.hostname != "" {
		for name := range n.each() {
			found = min(m.matchName(name), found)
		}
	}
	if found == noMatch && m.hasAddress(n) {
		return byAddress
	}
	return found
}

func (m *identity) matchName(name string) match {
	label := firstLabel(m.hostname)
	switch {
	case !strings.HasPrefix(name, label): // most are not
		return noMatch
	case name == m.hostname:
		return byHostname
	case firstLabel(name) == label:
		return byLabel
	}
	return noMatch
}

func (m *identity) hasAddress(n *entry) bool {
	for addr := range n.addrs {
		if slices.Contains(m.addrs, addr) {
			return true
		}
	}
	return false
}

func firstLabel(name string) string {
	label, _, _ := strings.Cut(name, ".")
	return label
}

// canonicalHostname is a hostname as names of nodes are spelled, or empty where it
// can be no node's.
func canonicalHostname(hostname string) string {
	name, err := zone.ParseName(strings.TrimSuffix(hostname, "."))
	if err != nil {
		return ""
	}
	return name
}

// asOurs is a node of a file as an entry about this machine: its names and roles.
// An ID that is a name is one of them; one of node-ID shape is another machine's, or
// that of an earlier key of ours.
func (m *identity) asOurs(n *entry, shaped bool) *entry {
	all := slices.Collect(n.each())
	if shaped {
		all = all[1:]
	}
	names := slices.DeleteFunc(all, func(name string) bool { return name == m.id })
	ours := words(strings.Join(append([]string{m.id}, names...), space))
	return &entry{facts{roles: n.roles}, ours, n.line}
}
