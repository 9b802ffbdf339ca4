package zone

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// ParseAddr parses an address that a node can be reached at from elsewhere, as
// defined by [CheckAddr].
func ParseAddr(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return addr, malformed(text)
	}
	return addr, CheckAddr(addr)
}

// malformed is the error of a text, of any length, that is no address.
func malformed(text string) error { return fmt.Errorf("%.64q is not an IP address", text) }

// CheckAddr reports why addr cannot be a node's address, or nil. A node's
// address is unicast, means the same on each machine and leads to the node: it
// is not unspecified, loopback, multicast, link-local, reserved or
// discard-only, and has no zone. An IPv6 address that embeds an IPv4 address,
// since a translator or a tunnel leads there, is valid if that one is; those
// that only write an IPv4 address in another way, IPv4-mapped and
// IPv4-compatible, are not.
func CheckAddr(addr netip.Addr) error {
	what := unfit(addr)
	if what == "" && addr.Is6() {
		for _, embedded := range EmbeddedIn(addr) {
			if within := unfit(embedded); within != "" {
				what = fmt.Sprintf("of %s, which is %s", embedded, within)
			}
		}
	}
	if what == "" {
		return nil
	}
	return fmt.Errorf("address %s is %s", addr.WithZone(""), what) // a zone may be any text
}

// The ranges of addresses that no node can have and that package netip does not
// know.
var (
	thisNetwork    = netip.MustParsePrefix("0.0.0.0/8")   // RFC 1122, section 3.2.1.3
	reserved       = netip.MustParsePrefix("240.0.0.0/4") // RFC 1112, section 4; the broadcast address too
	ipv4Compatible = netip.MustParsePrefix("::/96")       // RFC 4291, section 2.5.5.1
	discardOnly    = netip.MustParsePrefix("100::/64")    // RFC 6666
)

// unfit returns why an address cannot be a node's, embedded ones aside, or "".
func unfit(addr netip.Addr) string {
	switch {
	case !addr.IsValid():
		return "not an address"
	case addr.Is4In6():
		return "IPv4-mapped"
	case addr.Zone() != "":
		return "bound to an interface"
	case addr.IsUnspecified() || thisNetwork.Contains(addr):
		return "unspecified"
	case addr.IsLoopback():
		return "a loopback address"
	case addr.IsMulticast():
		return "a multicast address"
	case addr.IsLinkLocalUnicast():
		return "link-local"
	case reserved.Contains(addr):
		return "reserved"
	case ipv4Compatible.Contains(addr):
		return "IPv4-compatible"
	case discardOnly.Contains(addr):
		return "discard-only"
	}
	return ""
}

// The ranges of IPv6 addresses that embed IPv4 addresses.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")    // RFC 6052, section 2.1
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48")  // RFC 8215
	translated = netip.MustParsePrefix("::ffff:0:0:0/96") // RFC 2765, section 2.1
	sixToFour  = netip.MustParsePrefix("2002::/16")       // RFC 3056, section 2
	teredo     = netip.MustParsePrefix("2001::/32")       // RFC 4380, section 4
	isatap     = [...]uint32{0x0000_5efe, 0x0200_5efe}    // RFC 5214, section 6.1: the interface ID's upper half
)

// EmbeddedIn lists the IPv4 addresses to which packets for an IPv6 address may
// be sent on, by a translator or through a tunnel: NAT64 (RFC 6052, RFC 8215), 6to4
// (RFC 3056), Teredo (RFC 4380), ISATAP (RFC 5214).
func EmbeddedIn(addr netip.Addr) (all []netip.Addr) {
	b := addr.As16()
	v4 := func(o0, o1, o2, o3 byte) { all = append(all, netip.AddrFrom4([4]byte{o0, o1, o2, o3})) }
	switch {
	case nat64.Contains(addr), translated.Contains(addr):
		v4(b[12], b[13], b[14], b[15])
	case nat64Local.Contains(addr):
		all = append(all, embeddedLocally(b))
	case sixToFour.Contains(addr):
		v4(b[2], b[3], b[4], b[5])
	case teredo.Contains(addr):
		v4(b[4], b[5], b[6], b[7]) // the server
		v4(^b[12], ^b[13], ^b[14], ^b[15])
	}
	if half := binary.BigEndian.Uint32(b[8:]); half == isatap[0] || half == isatap[1] {
		v4(b[12], b[13], b[14], b[15])
	}
	return all
}

// embeddedLocally is the IPv4 address that is embedded with a local prefix of
// NAT64. Where it begins depends on the prefix's length, which only its network
// knows: 48, 56, 64 or 96 bits (RFC 6052, section 2.2). What follows it is zero,
// so the last octet that is not zero belongs to the IPv4 address.
func embeddedLocally(b [16]byte) netip.Addr {
	at := [4]byte{b[6], b[7], b[9], b[10]} // octet 8 is never used
	switch {
	case b[13] != 0 || b[14] != 0 || b[15] != 0:
		at = [4]byte(b[12:])
	case b[12] != 0:
		at = [4]byte(b[9:])
	case b[11] != 0:
		at = [4]byte{b[7], b[9], b[10], b[11]}
	}
	return netip.AddrFrom4(at)
}
