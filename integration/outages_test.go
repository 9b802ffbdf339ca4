package integration

import (
	"fmt"
	"net/netip"
	"testing"
)

// A name that was asked for before there was a default route is found once there
// is one: the failure ends with its cause, and not with a probe or the time.
func TestQueryBeforeTheRoute(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	l := newLAN(t)
	far := netip.MustParseAddr("203.0.113.53")
	must(t, l.router.net.AddrAdd(l.router.link("br0"), onLink(far)))
	startDNSMasq(l.router, far.String(), "--local=/far.example/", "--address=/far.example/192.0.2.7")
	n := newNode(l, "node")
	must(t, n.net.AddrAdd(n.link("eth0"), onLink(n.v4())))
	n.configure("[upstream]", fmt.Sprintf("servers = [%q]", far))
	n.boot()
	eventually(t, "no server is reached", func() error { return n.answers("SERVFAIL", "www.far.example") })
	n.route(routerV4, nil)
	eventually(t, "the route is noticed", func() error { return n.daemon.logged("other route to upstreams") })
	must(t, n.resolves("www.far.example", netip.MustParseAddr("192.0.2.7")))
}
