package nodedns

import (
	"net/netip"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

// The servers that are queried, general ones and those of routes, from the
// configuration and from resolv.conf, are not renamed by a node that claims their
// addresses. They are followed at a reload and when resolv.conf changes.
func TestUpstreamsHaveNoReverseRecordsFromTheCluster(t *testing.T) {
	t.Parallel()
	server := func(addr string) upstream.Server {
		return upstream.Plain(netip.AddrPortFrom(netip.MustParseAddr(addr), 53))
	}
	use := func(general upstream.Server, routed string) func(*Config) {
		return func(c *Config) {
			c.DNS.Upstreams.Servers = []upstream.Server{general}
			c.DNS.Upstreams.Routes = []resolver.Route{{Domains: []string{"corp.example"}, Servers: []upstream.Server{server(routed)}}}
		}
	}
	f := prepare(t, keepsResolvConf(resolvconf.ModeOff), use(server("192.0.2.53"), "2001:db8::53"))
	f.writeResolvConf("nameserver 192.0.2.55\n")
	source := f.Zone().Source("test")
	for id, addrs := range map[string][]string{
		"metropolis-00000000000000000000000000000001": {"192.0.2.53", "2001:db8::53"},
		"metropolis-00000000000000000000000000000002": {"192.0.2.54", "2001:db8::54"},
		"metropolis-00000000000000000000000000000003": {"192.0.2.55"},
	} {
		source.Set(zone.Entry{ID: id, Addresses: testkit.Addrs(addrs...)})
	}
	await := func(what string, free, reserved []string) {
		t.Helper()
		f.snapshot(what, func(s *zone.Snapshot) bool {
			for _, addr := range free {
				if _, ok := s.Reverse(netip.MustParseAddr(addr)); !ok {
					return false
				}
			}
			for _, addr := range reserved {
				if _, ok := s.Reverse(netip.MustParseAddr(addr)); ok {
					return false
				}
			}
			return true
		})
	}
	await("those of the start, before the first query",
		[]string{"192.0.2.54", "2001:db8::54", "192.0.2.55"}, []string{"192.0.2.53", "2001:db8::53"})
	f.run()
	<-f.Ready()
	if got := f.lookup("metropolis-00000000000000000000000000000001"); got != "192.0.2.53 2001:db8::53" {
		t.Errorf("the name of a node that has the address of a server: %q", got)
	}

	reload := func(change func(*Config)) {
		t.Helper()
		if err := f.Reload(change); err != nil {
			t.Fatal(err)
		}
	}
	reload(use(server("192.0.2.53"), "2001:db8::54"))
	await("another one of a route", []string{"192.0.2.54", "2001:db8::53", "192.0.2.55"}, []string{"192.0.2.53", "2001:db8::54"})
	reload(use(resolver.Auto, "2001:db8::54"))
	await("the machine's", []string{"192.0.2.53", "192.0.2.54"}, []string{"192.0.2.55"})
	f.writeResolvConf("nameserver 192.0.2.54\n")
	await("the machine's new ones", []string{"192.0.2.53", "192.0.2.55"}, []string{"192.0.2.54"})
}

// Gateways come from netlink; with a source of addresses of its own a program
// that embeds the service reports them itself, and those of netlink are dropped.
func TestGatewaysOfTheLocalSource(t *testing.T) {
	t.Parallel()
	f := prepare(t)
	f.Zone().Source("test").Set(zone.Entry{ID: other, Addresses: testkit.Addrs("192.0.2.1")})
	f.reserveGateways([]netip.Addr{netip.MustParseAddr("192.0.2.1")})
	if _, ok := f.Zone().Snapshot().Reverse(netip.MustParseAddr("192.0.2.1")); ok {
		t.Error("the gateway has a node's reverse record")
	}
	f.run()
	f.snapshot("the reverse record", func(s *zone.Snapshot) bool {
		_, ok := s.Reverse(netip.MustParseAddr("192.0.2.1"))
		return ok
	})
}
