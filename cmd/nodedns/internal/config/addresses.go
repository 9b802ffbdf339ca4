package config

import (
	"net/netip"

	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

// address parses an address at which other nodes reach this one.
func address(s string) (netip.Addr, error) {
	addr, err := zone.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, expected("an address that other nodes can reach: not loopback, link-local, multicast or IPv4-mapped")
	}
	return addr, nil
}

// listener parses an address to listen on. Port 0 lets the kernel choose.
func listener(s string) (netip.AddrPort, error) {
	ap, err := netip.ParseAddrPort(s)
	if err != nil || ap.Addr().Is4In6() || ap.Addr().IsMulticast() {
		return netip.AddrPort{}, expected(`ADDRESS:PORT, such as "127.0.0.53:53" or "[::1]:53"`)
	}
	switch addr := ap.Addr(); {
	case !addr.Is6() || addr.IsLinkLocalUnicast() == (addr.Zone() != ""):
		return ap, nil
	case addr.Zone() == "":
		return netip.AddrPort{}, expected("the interface of a link-local address too; write [%s%%INTERFACE]:%d", addr, ap.Port())
	default:
		return netip.AddrPort{}, expected("no interface, as the address is not link-local; write [%s]:%d", addr.WithZone(""), ap.Port())
	}
}

// network parses an address block. Host bits are refused and not dropped: an
// access list must be unambiguous.
func network(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
			return netip.Prefix{}, expected("ADDRESS/BITS; write %s/%d", addr, addr.BitLen())
		}
		return netip.Prefix{}, expected(`ADDRESS/BITS, such as "10.0.0.0/8"`)
	}
	if p.Addr().Is4In6() {
		return netip.Prefix{}, expected("an IPv4 network in its own form, such as \"10.0.0.0/8\"")
	}
	if p != p.Masked() {
		return netip.Prefix{}, expected("no bits beyond the length; write %s", p.Masked())
	}
	return p, nil
}

// server parses an entry of the list of upstreams.
func server(s string) (server upstream.Server, err error) {
	err = server.UnmarshalText([]byte(s))
	return server, err
}
