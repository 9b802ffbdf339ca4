package testkit

import "net/netip"

// Addrs are the addresses that some texts are. It panics where one is none.
func Addrs(texts ...string) []netip.Addr {
	addrs := make([]netip.Addr, len(texts))
	for i, text := range texts {
		addrs[i] = netip.MustParseAddr(text)
	}
	return addrs
}

// AddrPorts are the addresses with a port that some texts are. It panics where
// one is none.
func AddrPorts(texts ...string) []netip.AddrPort {
	addrs := make([]netip.AddrPort, len(texts))
	for i, text := range texts {
		addrs[i] = netip.MustParseAddrPort(text)
	}
	return addrs
}
