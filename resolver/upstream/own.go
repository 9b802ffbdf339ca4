package upstream

import (
	"net/netip"
	"slices"
)

// Normalize is a server's address as the kernel will see it: one that is
// unspecified means this machine, and an IPv4-mapped one is IPv4.
func Normalize(server netip.AddrPort) netip.AddrPort {
	addr := server.Addr().Unmap()
	switch addr {
	case netip.IPv4Unspecified():
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case netip.IPv6Unspecified():
		addr = netip.IPv6Loopback()
	}
	return netip.AddrPortFrom(addr, server.Port())
}

// IsOwn reports whether a normalized server is one of the addresses that we
// listen on. Source is the address from which it would be queried, if that is
// known: when both are equal the server is on this machine, and a listener on
// all addresses gets the query.
func IsOwn(own []netip.AddrPort, server netip.AddrPort, source netip.Addr) bool {
	addr := server.Addr().WithZone("")
	here := addr.IsLoopback() || addr == source.Unmap().WithZone("")
	return slices.ContainsFunc(own, func(listener netip.AddrPort) bool {
		at := listener.Addr().Unmap()
		return listener.Port() == server.Port() &&
			(at.WithZone("") == addr || here && at.IsUnspecified() && at.Is4() == addr.Is4())
	})
}
