package integration

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// lan is a switch with the machines that are plugged into it, 10.88.0.0/24 and
// fd88::/64. The switch is a machine too, the router of the others.
type lan struct {
	t      testing.TB
	router *machine
	ports  int
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

// newLAN makes a switch without machines. What comes from or goes to a port in
// the set "cut" is dropped silently, as by a broken network.
func newLAN(t testing.TB) *lan {
	t.Helper()
	l := &lan{t: t, router: newMachine(t, "router")}
	l.router.run("ip", "link", "add", "br0", "type", "bridge")
	l.router.run("ip", "addr", "add", routerV4+"/24", "dev", "br0")
	l.router.run("ip", "addr", "add", routerV6+"/64", "dev", "br0", "nodad")
	l.router.run("ip", "link", "set", "br0", "up")
	l.router.run("nft", `
		add table bridge lan;
		add set bridge lan cut { type ifname; };
		add chain bridge lan forward { type filter hook forward priority 0; };
		add rule bridge lan forward iifname @cut drop;
		add rule bridge lan forward oifname @cut drop`)
	return l
}

// join plugs a new machine into the lan: it has an interface eth0, without
// addresses.
func (l *lan) join(name string) *host {
	l.t.Helper()
	l.ports++
	h := &host{machine: newMachine(l.t, name), lan: l, port: l.ports}
	l.router.run("ip", "link", "add", h.portName(), "type", "veth",
		"peer", "name", "eth0", "netns", fmt.Sprint(h.tid))
	l.router.run("ip", "link", "set", h.portName(), "master", "br0", "up")
	h.run("ip", "link", "set", "eth0", "up")
	return h
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
	if addr.Is6() {
		// Without the check for duplicates, which takes a second.
		h.run("ip", "addr", "add", addr.String()+"/64", "dev", "eth0", "nodad")
		h.route(routerV6, "eth0")
		return
	}
	h.run("ip", "addr", "add", addr.String()+"/24", "dev", "eth0")
	h.route(routerV4, "eth0")
}

// route sets the default route of the router's family, of metric 100.
func (h *host) route(router, device string, more ...string) {
	h.t.Helper()
	family := "-4"
	if strings.Contains(router, ":") {
		family = "-6"
	}
	args := []string{family, "route", "replace", "default", "via", router, "dev", device, "metric", "100"}
	h.run("ip", append(args, more...)...)
}

// withdraw removes an address.
func (h *host) withdraw(addr netip.Addr) {
	h.t.Helper()
	bits := "/24"
	if addr.Is6() {
		bits = "/64"
	}
	h.run("ip", "addr", "del", addr.String()+bits, "dev", "eth0")
}

// cut drops all traffic of the host; nothing is closed.
func (h *host) cut() {
	h.t.Helper()
	h.lan.router.run("nft", "add", "element", "bridge", "lan", "cut", "{", h.portName(), "}")
}

// mend lets the traffic pass again.
func (h *host) mend() {
	h.t.Helper()
	h.lan.router.run("nft", "delete", "element", "bridge", "lan", "cut", "{", h.portName(), "}")
}
