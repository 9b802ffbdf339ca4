package listen

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// must ends the test if a step of its preparation failed.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	must(t, err)
	return l
}

func up(t *testing.T, name string) {
	t.Helper()
	must(t, netlink.LinkSetUp(link(t, name)))
}

// bridge adds a bridge and brings it up.
func bridge(t *testing.T, name string) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	must(t, netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}))
	up(t, name)
}

// prefix is an address with its network, without duplicate address detection.
func prefix(t *testing.T, text string) *netlink.Addr {
	t.Helper()
	addr, err := netlink.ParseAddr(text)
	must(t, err)
	if netip.MustParsePrefix(text).Addr().Is6() {
		addr.Flags = unix.IFA_F_NODAD
	}
	return addr
}

func assign(t *testing.T, name, text string) {
	t.Helper()
	addr := prefix(t, text)
	must(t, netlink.AddrAdd(link(t, name), addr))
	// The kernel routes an address of IPv6 to itself a moment after it can be
	// bound; clients that are faster look for it on the link.
	for late := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		routes, err := netlink.RouteGetWithOptions(addr.IP, &netlink.RouteGetOptions{Oif: name})
		if err == nil && len(routes) == 1 && routes[0].Type == unix.RTN_LOCAL {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("no route to %s: %v, %v", text, routes, err)
		}
	}
}

func withdraw(t *testing.T, name, text string) {
	t.Helper()
	must(t, netlink.AddrDel(link(t, name), prefix(t, text)))
}

func sysctl(t *testing.T, path, value string) {
	t.Helper()
	must(t, os.WriteFile("/proc/sys/net/"+path, []byte(value), 0))
}
