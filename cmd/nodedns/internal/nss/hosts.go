package nss

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
)

// hostLine is a line of the hosts file as glibc reads it.
type hostLine struct {
	number int // from 1
	addr   netip.Addr
	names  []string // the canonical one first
}

// hostLines are the lines of the hosts file, ours and the user's.
func (m *Machine) hostLines(yield func(hostLine) bool) {
	number := 0
	for line := range bytes.Lines(m.hosts) {
		number++
		text, _, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), "#")
		words := strings.Fields(text)
		if len(words) < 2 {
			continue
		}
		addr, err := netip.ParseAddr(words[0])
		if err == nil && !yield(hostLine{number, addr, words[1:]}) {
			return
		}
	}
}

// inHosts are the addresses that the hosts file has for a name, and the numbers
// of their lines. For one family, only the first of its lines counts unless
// host.conf says otherwise.
func (m *Machine) inHosts(name string, want families4and6) (addrs []netip.Addr, numbers []int) {
	for line := range m.hostLines {
		if !slices.ContainsFunc(line.names, func(n string) bool { return strings.EqualFold(n, name) }) {
			continue
		}
		addr, ok := want.fit(line.addr)
		if !ok || slices.Contains(addrs, addr) {
			continue
		}
		addrs, numbers = append(addrs, addr), append(numbers, line.number)
		if want.single() && !m.multiple {
			break
		}
	}
	return addrs, numbers
}

// namedInHosts is the name that the hosts file has for an address, and the number
// of its line.
func (m *Machine) namedInHosts(addr netip.Addr) (name string, number int, ok bool) {
	for line := range m.hostLines {
		if line.addr == addr {
			return line.names[0], line.number, true
		}
	}
	return "", 0, false
}

// families4and6 are the families that are looked for.
type families4and6 struct{ four, six bool }

func (f families4and6) single() bool { return f.four != f.six }

// fit is the address of a line as it is found. Who looks for IPv4 alone finds
// IPv6's form of it too, and the loopback's.
func (f families4and6) fit(addr netip.Addr) (netip.Addr, bool) {
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
