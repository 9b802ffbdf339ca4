package decision

import (
	"net/netip"

	"github.com/miekg/dns"
)

// The domains of the reverse names of IPv4 and IPv6.
var (
	reverseZone    = mustParseName("in-addr.arpa")
	reverseZoneSix = mustParseName("ip6.arpa")
)

// nodeAddresses answers the reverse names of the nodes' addresses. Those of no
// node, and the shorter names above them, are left to the next steps: the same
// range may well have hosts that are not nodes. A line of the hosts file takes
// precedence over another node's claim, since the user wrote it and a node may
// claim any address; but not over our own addresses.
func nodeAddresses(q *Question, view *View, v *Verdict) bool {
	addr, ok := ReverseAddr(q.Name)
	if !ok {
		return false
	}
	node, ok := view.Zone.Reverse(addr)
	if !ok {
		return false
	}
	named := q.Type == dns.TypePTR || q.Type == dns.TypeANY
	if named && !node.IsLocal() && inHosts(q.Name, view) {
		return false
	}
	const reason = "the address of a node"
	v.Node = node
	switch q.Type {
	case dns.TypePTR:
		v.Canonical = &view.Rules.canonical
		v.answer(NodeName, SourceZone, reason, view.Rules)
	case dns.TypeANY:
		v.answer(AnyType, SourceZone, reason, view.Rules)
	default:
		v.negative(dns.RcodeSuccess, SourceZone, reason, view.Rules)
	}
	staleness(view, v)
	return true
}

// aboveAddress reports whether a reverse name is the beginning of an address.
// Addresses of nodes may be below it, which NXDOMAIN would deny (RFC 8020).
func aboveAddress(name Name) bool {
	parts, whole, valid := 0, 4, func(label []byte) bool { _, ok := parseOctet(label); return ok }
	apex := reverseZone
	if name.within(reverseZoneSix) {
		whole, apex = 32, reverseZoneSix
		valid = func(label []byte) bool { _, ok := parseNibble(label[0]); return ok && len(label) == 1 }
	}
	for ; len(name) > len(apex); name = name.parent() {
		if !valid(name.label()) {
			return false
		}
		parts++
	}
	return parts < whole
}

// ReverseAddr is the address that a name in in-addr.arpa (RFC 1035, section
// 3.5) or ip6.arpa (RFC 3596, section 2.5) stands for.
func ReverseAddr(name Name) (netip.Addr, bool) {
	if name.within(reverseZone) {
		return reverseFour(name)
	}
	if len(name) == len(reverseZoneSix)+2*32 && name.within(reverseZoneSix) {
		return reverseSix(name)
	}
	return netip.Addr{}, false
}

func reverseFour(name Name) (netip.Addr, bool) {
	var octets [4]byte
	for i := range octets {
		if len(name) == len(reverseZone) {
			return netip.Addr{}, false
		}
		octet, ok := parseOctet(name.label())
		if !ok {
			return netip.Addr{}, false
		}
		octets[3-i] = octet
		name = name.parent()
	}
	return netip.AddrFrom4(octets), len(name) == len(reverseZone)
}

// parseOctet reads a decimal number. One with leading zeros is a different name
// from the one without.
func parseOctet(label []byte) (byte, bool) {
	if len(label) > 3 || len(label) > 1 && label[0] == '0' {
		return 0, false
	}
	n := 0
	for _, c := range label {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return byte(n), n <= 255
}

func reverseSix(name Name) (netip.Addr, bool) {
	var octets [16]byte
	for i := range 32 {
		label := name.label()
		if len(label) != 1 {
			return netip.Addr{}, false
		}
		nibble, ok := parseNibble(label[0])
		if !ok {
			return netip.Addr{}, false
		}
		octets[15-i/2] |= nibble << (4 * (i % 2))
		name = name.parent()
	}
	addr := netip.AddrFrom16(octets)
	// An IPv4-mapped address is not the IPv4 address that it contains.
	return addr, !addr.Is4In6()
}

func parseNibble(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
