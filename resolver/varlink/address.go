package varlink

import (
	"math"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// addressEntry is an address in JSON. The index belongs to link-local
// addresses: nss-resolve makes it the scope of those and ignores it otherwise.
type addressEntry struct {
	Ifindex int      `json:"ifindex,omitempty"`
	Family  int      `json:"family"`
	Address []uint16 `json:"address"` // octets; as bytes they would be a string
}

// newEntry returns the entry of an address, on an interface if the client named
// one and the address does not. It is not ok if the address names one that does
// not exist, or another one than the client.
func newEntry(addr netip.Addr, ifindex int) (entry addressEntry, ok bool) {
	entry.Family = familyOf(!addr.Is6(), addr.Is6())
	entry.Address = newOctets(addr)
	if addr.Zone() == "" {
		if addr.Is6() && addr.IsLinkLocalUnicast() {
			entry.Ifindex = ifindex
		}
		return entry, addr.IsValid()
	}
	entry.Ifindex, ok = indexOf(addr.Zone())
	return entry, ok && (ifindex == 0 || ifindex == entry.Ifindex)
}

func newOctets(addr netip.Addr) (octets []uint16) {
	for _, octet := range addr.AsSlice() {
		octets = append(octets, uint16(octet))
	}
	return octets
}

// indexOf finds the interface that a zone names, which may be by its index
// (RFC 4007, section 11.2).
func indexOf(zone string) (int, bool) {
	if index, err := strconv.ParseUint(zone, 10, 31); err == nil {
		return int(index), index > 0
	}
	link, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, false
	}
	return link.Index, true
}

// parseAddress reads an address that consists of octets.
func parseAddress(family int, octets []uint16) (netip.Addr, error) {
	length := 0
	switch family {
	case unix.AF_INET:
		length = 4
	case unix.AF_INET6:
		length = 16
	default:
		return netip.Addr{}, ErrInvalidParameter("family")
	}
	if len(octets) != length {
		return netip.Addr{}, ErrBadAddressSize
	}
	bytes := make([]byte, length)
	for i, octet := range octets {
		if octet > math.MaxUint8 {
			return netip.Addr{}, ErrInvalidParameter("address")
		}
		bytes[i] = byte(octet)
	}
	addr, _ := netip.AddrFromSlice(bytes)
	return addr, nil
}

// literal answers for a name that is an address itself, which must not be
// looked up.
func literal(name string) (Addresses, bool) {
	addr, err := netip.ParseAddr(name)
	if err != nil {
		return Addresses{}, false
	}
	return Addresses{
		All:       []netip.Addr{addr},
		Canonical: name,
		Flags:     ProtocolDNS | Authenticated | Confidential | Synthetic,
	}, true
}
