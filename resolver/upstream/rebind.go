package upstream

import (
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/message"
	"github.com/nodedns/nodedns/zone"
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
	netip.MustParsePrefix("::/96"),          // IPv4-compatible, RFC 4291, section 2.5.5.1
}

// discovery are the addresses of ipv4only.arpa, which no host has. Hosts look for
// them, and for IPv6 addresses made of them, to find a NAT64 (RFC 7050).
var discovery = []netip.Addr{netip.MustParseAddr("192.0.0.170"), netip.MustParseAddr("192.0.0.171")}

// Rebinds returns the first address in a reply that is one of ours, or belongs to
// networks that are not public. A web page may use such an answer to reach, under
// its own name, hosts behind the firewall.
//
// It checks the A, AAAA, SVCB and HTTPS records of the answer and of the
// additional section, the latter for clients that look there.
func Rebinds(reply *dns.Msg, ours func(netip.Addr) bool) (netip.Addr, bool) {
	for _, section := range [][]dns.RR{reply.Answer, reply.Extra} {
		for _, rr := range section {
			for _, ip := range addresses(rr) {
				if addr, ok := netip.AddrFromSlice(ip); ok && isInternal(addr.Unmap(), ours) {
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
	case *dns.RFC3597:
		if rr.Hdr.Rrtype == dns.TypeHTTPS || rr.Hdr.Rrtype == dns.TypeSVCB {
			return hintsInOctets(rr.Rdata)
		}
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

// hintsInOctets are the hints of a record that the library does not read, although
// clients may.
func hintsInOctets(digits string) (addrs []net.IP) {
	rdata, _ := hex.DecodeString(digits) // they were encoded here
	const priority, head = 2, 4
	for at := message.SkipName(rdata, priority); at+head <= len(rdata); {
		key := dns.SVCBKey(binary.BigEndian.Uint16(rdata[at:]))
		value := rdata[at+head:]
		value = value[:min(len(value), int(binary.BigEndian.Uint16(rdata[at+2:])))]
		at += head + len(value)
		size := net.IPv6len
		switch key {
		case dns.SVCB_IPV4HINT:
			size = net.IPv4len
		case dns.SVCB_IPV6HINT:
		default:
			continue
		}
		for addr := range slices.Chunk(value, size) {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

func isInternal(addr netip.Addr, ours func(netip.Addr) bool) bool {
	switch {
	case slices.Contains(discovery, addr):
		return false
	case addr.IsLoopback(), addr.IsPrivate(), addr.IsLinkLocalUnicast(), addr.IsUnspecified(), addr.IsMulticast(),
		slices.ContainsFunc(internal, func(p netip.Prefix) bool { return p.Contains(addr) }),
		ours(addr):
		return true
	}
	return addr.Is6() && slices.ContainsFunc(zone.EmbeddedIn(addr), func(v4 netip.Addr) bool { return isInternal(v4, ours) })
}
