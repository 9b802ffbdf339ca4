package hostsfile

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/zone"
)

// The lines for localhost, as we write them (RFC 6761, section 6.3).
const (
	localhost4 = "127.0.0.1 localhost\n"
	localhost6 = "::1 localhost\n"
)

func isOurLocalhost(line []byte) bool {
	return string(line) == localhost4 || string(line) == localhost6
}

// lineForm knows the form of the lines of nodes.
type lineForm struct {
	prefix zone.Prefix
	local  zone.ID // may be a free name, without node-ID shape
}

// isNode reports whether a line is, byte for byte, one that we write for a node.
func (f lineForm) isNode(line []byte) bool {
	_, _, ok := f.node(line)
	return ok
}

// node reads a line that we wrote for a node.
func (f lineForm) node(line []byte) (addr netip.Addr, id zone.ID, ok bool) {
	text, ended := strings.CutSuffix(string(line), "\n")
	address, name, spaced := strings.Cut(text, " ")
	if !ended || !spaced {
		return addr, "", false
	}
	id = zone.ID(name)
	if id != f.local || id == "" {
		if canonical, err := f.prefix.Parse(name); err != nil || canonical != id {
			return addr, "", false
		}
	}
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.String() != address || !isPublic(addr) {
		return addr, "", false
	}
	return addr, id, true
}

// isPublic reports whether a node can have the address: the zone publishes none
// of the others, so none of our lines has one.
func isPublic(addr netip.Addr) bool {
	return !addr.IsUnspecified() && !addr.IsLoopback() && !addr.IsMulticast() &&
		!addr.IsLinkLocalUnicast() && !addr.Is4In6() && addr.Zone() == ""
}

// localhostLines returns the lines for localhost that the user's lines lack. That
// of ::1 is for a machine that has it: elsewhere localhost would be an address that
// cannot be bound.
func localhostLines(six bool, user ...[]byte) []byte {
	var has []netip.Addr
	for _, lines := range user {
		has = append(has, hostsformat.Lookup(lines, "localhost")...)
	}
	var out []byte
	if !slices.Contains(has, netip.AddrFrom4([4]byte{127, 0, 0, 1})) {
		out = append(out, localhost4...)
	}
	if six && !slices.Contains(has, netip.IPv6Loopback()) {
		out = append(out, localhost6...)
	}
	return out
}
