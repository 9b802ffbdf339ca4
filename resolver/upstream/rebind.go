package upstream

import (
	"net"
	"net/netip"

	"github.com/miekg/dns"
)

// internal are the ranges that an answer from outside has no reason to point
// to, besides those that netip.Addr has a method for.
var internal = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),      // this host, RFC 1122
	netip.MustParsePrefix("100.64.0.0/10"),  // the provider's NAT, RFC 6598
	netip.MustParsePrefix("198.18.0.0/15"),  // measurements, RFC 2544
	netip.MustParsePrefix("240.0.0.0/4"),    // reserved, with broadcast, RFC 1112
	netip.MustParsePrefix("fec0::/10"),      // site-local, RFC 3879
	netip.MustParsePrefix("64:ff9b:1::/48"), // local translation, RFC 8215
	netip.MustParsePrefix("2001:2::/48"),    // measurements, RFC 5180
	netip.MustParsePrefix("192.0.0.0/24"),   // protocol assignments, RFC 6890
	netip.MustParsePrefix("100::/64"),       // discard, RFC 6666
}

// Prefixes of IPv6 addresses that stand for an IPv4 address, and where it is
// in them.
var embedding = []struct {
	prefix netip.Prefix
	offset int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12}, // RFC 6052
	{netip.MustParsePrefix("2002::/16"), 2},     // RFC 3056
	{netip.MustParsePrefix("::/96"), 12},        // RFC 4291, section 2.5.5.1
}

// Rebinds returns the first address in a reply that belongs to this machine or
// to networks that are not public. A web page may use such an answer to reach,
// under its own name, hosts behind the firewall.
//
// It checks the A, AAAA, SVCB and HTTPS records of the answer and of the
// additional section, the latter for clients that look there.
func Rebinds(reply *dns.Msg) (netip.Addr, bool) {
	for _, section := range [][]dns.RR{reply.Answer, reply.Extra} {
		for _, rr := range section {
			for _, ip := range addresses(rr) {
				if addr, ok := netip.AddrFromSlice(ip); ok && isInternal(addr.Unmap()) {
					return addr.Unmap(), true
				}
			}
		}
	}
	return netip.Addr{}, false
}

// addresses are those that a record makes a client connect to.
func addresses(rr dns.RR) []net.IP {
	switch rr := rr.(type) {
	case *dns.A:
		return []net.IP{rr.A}
	case *dns.AAAA:
		return []net.IP{rr.AAAA}
	case *dns.HTTPS:
		return hints(rr.Value)
	case *dns.SVCB:
		return hints(rr.Value)
	}
	return nil
}

func hints(values []dns.SVCBKeyValue) (addrs []net.IP) {
	for _, value := range values {
		switch value := value.(type) {
		case *dns.SVCBIPv4Hint:
			addrs = append(addrs, value.Hint...)
		case *dns.SVCBIPv6Hint:
			addrs = append(addrs, value.Hint...)
		}
	}
	return addrs
}

func isInternal(addr netip.Addr) bool {
	if addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || addr.IsUnspecified() || addr.IsMulticast() {
		return true
	}
	for _, prefix := range internal {
		if prefix.Contains(addr) {
			return true
		}
	}
	for _, e := range embedding {
		if e.prefix.Contains(addr) {
			octets := addr.As16()
			return isInternal(netip.AddrFrom4([4]byte(octets[e.offset:])))
		}
	}
	return false
}
