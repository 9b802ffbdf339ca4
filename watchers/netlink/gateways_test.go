package netlink

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	rtnetlink "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestGateways(t *testing.T) {
	t.Parallel()
	anywhere := &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}
	for name, test := range map[string]struct {
		route rtnetlink.Route
		want  string
	}{
		"none":             {rtnetlink.Route{LinkIndex: 2}, "[]"},
		"one":              {rtnetlink.Route{Gw: net.IP{192, 0, 2, 1}}, "[192.0.2.1]"},
		"16 bytes":         {rtnetlink.Route{Gw: net.IPv4(192, 0, 2, 1)}, "[192.0.2.1]"},
		"of the other one": {rtnetlink.Route{Via: &rtnetlink.Via{AddrFamily: unix.AF_INET6, Addr: net.ParseIP("2001:db8::1")}}, "[2001:db8::1]"},
		"several": {rtnetlink.Route{MultiPath: []*rtnetlink.NexthopInfo{
			{Gw: net.IP{192, 0, 2, 2}},
			{Gw: net.IP{192, 0, 2, 1}},
			{Gw: net.IP{192, 0, 2, 2}},
			{LinkIndex: 3},
			{Via: &rtnetlink.Via{AddrFamily: unix.AF_INET6, Addr: net.ParseIP("2001:db8::1")}},
		}}, "[192.0.2.1 192.0.2.2 2001:db8::1]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.route.Type, test.route.Dst = unix.RTN_UNICAST, anywhere
			if got := fmt.Sprint(gateways(nexthops(test.route))); got != test.want {
				t.Errorf("gateways %s, want %s", got, test.want)
			}
		})
	}
}

// The gateways follow the default routes, and no other route.
func TestGatewaysFollowTheKernel(t *testing.T) {
	t.Parallel()
	n, peer := newNamespace(t), newNamespace(t)
	n.veth("eth0", peer, "p0")
	n.addr("eth0", "192.0.2.2/24", 0)
	var mu sync.Mutex
	var now []netip.Addr
	calls := 0
	run := n.watch(Watcher{Gateways: func(addrs []netip.Addr) {
		mu.Lock()
		defer mu.Unlock()
		now = addrs
		calls++
	}})
	await := func(what string, want ...string) {
		t.Helper()
		run.await(what, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return calls > 0 && slices.EqualFunc(now, want, func(a netip.Addr, text string) bool { return a.String() == text })
		})
	}
	await("none")
	n.routeVia("10.0.0.0/8", 0, "192.0.2.9")
	n.routeVia("0.0.0.0/0", 10, "192.0.2.1")
	await("the first one", "192.0.2.1")
	n.routeVia("0.0.0.0/0", 20, "192.0.2.3", "192.0.2.4")
	await("those of a multipath route", "192.0.2.1", "192.0.2.3", "192.0.2.4")
	n.must(n.RouteDel(&rtnetlink.Route{Dst: parseNet(t, "0.0.0.0/0"), Priority: 10, Gw: net.IP{192, 0, 2, 1}}))
	await("one less", "192.0.2.3", "192.0.2.4")
	n.must(n.LinkSetDown(n.link("eth0")))
	await("none of a link that is down")
	run.stop()
}

// routeVia adds a route by one gateway or several.
func (n *namespace) routeVia(to string, metric int, gateways ...string) {
	n.t.Helper()
	link := n.link("eth0").Attrs().Index
	r := &rtnetlink.Route{Dst: parseNet(n.t, to), Priority: metric}
	if len(gateways) == 1 {
		r.LinkIndex, r.Gw = link, net.ParseIP(gateways[0])
	} else {
		for _, gateway := range gateways {
			r.MultiPath = append(r.MultiPath, &rtnetlink.NexthopInfo{LinkIndex: link, Gw: net.ParseIP(gateway)})
		}
	}
	n.must(n.RouteAdd(r))
}

func parseNet(t *testing.T, text string) *net.IPNet {
	t.Helper()
	dst, err := rtnetlink.ParseIPNet(text)
	if err != nil {
		t.Fatal(err)
	}
	return dst
}
