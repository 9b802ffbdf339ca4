package integration

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// lan is a switch with the machines that are plugged into it, 10.88.0.0/24 and
// fd88::/64. The switch is a machine too, the router of the others.
type lan struct {
	t      testing.TB
	router *machine
	ports  int
	// filtered is done once a host was cut off: most lans need no filter.
	filtered sync.Once
}

// host is a machine on a lan.
type host struct {
	*machine
	lan  *lan
	port int
}

const (
	routerV4 = "10.88.0.254"
	routerV6 = "fd88::fe"
)

// newLAN makes a switch without machines.
func newLAN(t testing.TB) *lan {
	t.Helper()
	l := &lan{t: t, router: newMachine(t, "router")}
	bridge := &netlink.Bridge{LinkAttrs: namedLink("br0")}
	must(t, l.router.net.LinkAdd(bridge))
	must(t, l.router.net.AddrAdd(bridge, onLink(netip.MustParseAddr(routerV4))))
	must(t, l.router.net.AddrAdd(bridge, onLink(netip.MustParseAddr(routerV6))))
	l.router.up("br0")
	return l
}

// filter makes the set "cut". What comes from or goes to a port in it is dropped
// silently, as by a broken network.
func (l *lan) filter() {
	l.router.run("nft", `
		add table bridge lan;
		add set bridge lan cut { type ifname; };
		add chain bridge lan forward { type filter hook forward priority 0; };
		add rule bridge lan forward iifname @cut drop;
		add rule bridge lan forward oifname @cut drop`)
}

// join plugs a new machine into the lan: it has an interface eth0, without
// addresses.
func (l *lan) join(name string) *host {
	l.t.Helper()
	l.ports++
	h := &host{machine: newMachine(l.t, name), lan: l, port: l.ports}
	port := &netlink.Veth{LinkAttrs: namedLink(h.portName()), PeerName: "eth0", PeerNamespace: netlink.NsPid(h.tid)}
	port.MasterIndex = l.router.link("br0").Attrs().Index
	must(l.t, l.router.net.LinkAdd(port))
	l.router.up(h.portName())
	h.up("eth0")
	return h
}

// routerHost is the router as one of the hosts, by its addresses.
func (l *lan) routerHost() *host { return &host{machine: l.router, lan: l, port: 254} }

func namedLink(name string) netlink.LinkAttrs {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	return attrs
}

// link is an interface of the machine.
func (m *machine) link(name string) netlink.Link {
	m.t.Helper()
	link, err := m.net.LinkByName(name)
	must(m.t, err)
	return link
}

func (m *machine) up(name string) {
	m.t.Helper()
	must(m.t, m.net.LinkSetUp(m.link(name)))
}

// onLink is an address of a lan, with its prefix. One of IPv6 is without the
// check for duplicates, which takes a second.
func onLink(addr netip.Addr) *netlink.Addr {
	if addr.Is4() {
		return &netlink.Addr{IPNet: &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(24, 32)}}
	}
	return &netlink.Addr{IPNet: &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(64, 128)}, Flags: unix.IFA_F_NODAD}
}

func (h *host) portName() string { return fmt.Sprintf("port%d", h.port) }

// v4 and v6 are the addresses that are meant for the host.
func (h *host) v4() netip.Addr { return netip.AddrFrom4([4]byte{10, 88, 0, byte(h.port)}) }

func (h *host) v6() netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("fd88::%x", h.port))
}

// address gives the host its addresses and default routes.
func (h *host) address() *host {
	h.t.Helper()
	h.assign(h.v4())
	h.assign(h.v6())
	return h
}

// assign adds an address, and the default route of its family.
func (h *host) assign(addr netip.Addr) {
	h.t.Helper()
	must(h.t, h.net.AddrAdd(h.link("eth0"), onLink(addr)))
	if addr.Is6() {
		h.route(routerV6, nil)
	} else {
		h.route(routerV4, nil)
	}
}

// route sets the default route of the router's family, of metric 100, with a
// preferred source if there is one.
func (h *host) route(router string, source net.IP) {
	h.t.Helper()
	must(h.t, h.net.RouteReplace(&netlink.Route{
		LinkIndex: h.link("eth0").Attrs().Index, Gw: net.ParseIP(router), Priority: 100, Src: source,
	}))
}

// withdraw removes an address.
func (h *host) withdraw(addr netip.Addr) {
	h.t.Helper()
	must(h.t, h.net.AddrDel(h.link("eth0"), onLink(addr)))
}

// strip removes all addresses that others could use.
func (h *host) strip() {
	h.t.Helper()
	link := h.link("eth0")
	addrs, err := h.net.AddrList(link, netlink.FAMILY_ALL)
	must(h.t, err)
	for _, addr := range addrs {
		if addr.Scope == int(netlink.SCOPE_UNIVERSE) {
			must(h.t, h.net.AddrDel(link, &addr))
		}
	}
}

// cut drops all traffic of the host; nothing is closed.
func (h *host) cut() {
	h.t.Helper()
	h.lan.filtered.Do(h.lan.filter)
	h.lan.router.run("nft", "add", "element", "bridge", "lan", "cut", "{", h.portName(), "}")
}

// reconnect lets the traffic pass again.
func (h *host) reconnect() {
	h.t.Helper()
	h.lan.router.run("nft", "delete", "element", "bridge", "lan", "cut", "{", h.portName(), "}")
}
