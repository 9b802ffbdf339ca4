package nss

import (
	"net/netip"
	"slices"

	"github.com/nodedns/nodedns/internal/hostsformat"
)

// inHosts are the addresses that the hosts file has for a name, and the numbers
// of their lines, ours and the user's. For one family, only the first of its
// lines is used unless host.conf sets otherwise.
func (m *Config) inHosts(name string, want familySet) (addrs []netip.Addr, numbers []int) {
	for entry := range hostsformat.Entries(1, m.hosts) {
		if !entry.HasName([]byte(name)) {
			continue
		}
		addr, ok := want.fit(entry.Addr)
		if !ok || slices.Contains(addrs, addr) {
			continue
		}
		addrs, numbers = append(addrs, addr), append(numbers, entry.Line)
		if want.single() && !m.multiple {
			break
		}
	}
	return addrs, numbers
}

// namedInHosts is the name that the hosts file has for an address, and the
// number of its line. A line without a name is used too, and yields an empty
// one.
func (m *Config) namedInHosts(addr netip.Addr) (name string, number int, ok bool) {
	want := familySet{four: addr.Is4(), six: addr.Is6()}
	for entry := range hostsformat.Entries(1, m.hosts) {
		if found, ok := want.fit(entry.Addr); !ok || found != addr {
			continue
		}
		for name := range entry.Names() {
			return string(name), entry.Line, true
		}
		return "", entry.Line, true
	}
	return "", 0, false
}

// familySet are the families that are looked up.
type familySet struct{ four, six bool }

func (f familySet) single() bool { return f.four != f.six }

// fit is the address of a line as it is found. A lookup for IPv4 alone finds
// its IPv6-mapped form too, and the loopback's.
func (f familySet) fit(addr netip.Addr) (netip.Addr, bool) {
	switch {
	case addr.Is4():
		return addr, f.four
	case f.six:
		return addr, true
	case addr == netip.IPv6Loopback():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), true
	case addr.Is4In6():
		return addr.Unmap(), true
	}
	return netip.Addr{}, false
}
