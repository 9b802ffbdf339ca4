package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

const curatorPort = 7835

// Endpoint is where a curator is. A host that is a node ID is resolved from
// the zone itself.
type Endpoint struct {
	Host string // address, node ID or other name; lower case, without brackets
	Port uint16
	Node string // the ID of the only node that may answer there; empty: any curator
}

// String returns the endpoint as the configuration spells it.
func (e Endpoint) String() string {
	address := net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
	if e.Node == "" {
		return address
	}
	return address + "#" + e.Node
}

// Loopback reports whether what is sent there stays on this machine. No name
// but localhost is trusted (RFC 6761, section 6.3).
func (e Endpoint) Loopback() bool {
	addr, err := netip.ParseAddr(e.Host)
	return e.Host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// endpoint parses host:port, with the ID of a node behind a # where only that
// may answer there.
func endpoint(s string) (Endpoint, error) {
	where, node, pinned := strings.Cut(s, "#")
	e, err := place(where)
	if err == nil && pinned {
		e.Node = strings.ToLower(node)
		if !hostName(e.Node) {
			return Endpoint{}, expected("HOST:PORT#NODE-ID, with the ID of the node that answers there")
		}
	}
	return e, err
}

// place parses host:port, and a host alone, whose port is then 0 until the
// prefix shows that it is a node ID.
func place(s string) (Endpoint, error) {
	wrong := expected("HOST:PORT, HOST:PORT#NODE-ID or a node ID; a curator's usual port is %d", curatorPort)
	if name := strings.ToLower(s); hostName(name) && !isAddress(name) {
		return Endpoint{Host: name}, nil
	}
	host, digits, err := net.SplitHostPort(s)
	if err != nil {
		return Endpoint{}, wrong
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 {
		return Endpoint{}, wrong
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.IsUnspecified() || addr.IsMulticast() {
			return Endpoint{}, wrong
		}
		host = addr.String()
	} else if host = strings.ToLower(host); !hostName(host) {
		return Endpoint{}, wrong
	}
	return Endpoint{Host: host, Port: uint16(port)}, nil
}

// isAddress reports whether what could be a name is an IP address.
func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

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
