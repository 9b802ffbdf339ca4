package integration

import (
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/nodedns/nodedns/internal/testkit"
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

// A name that a tunnel leads to is found once the tunnel is up, though there was
// a default route all the time.
func TestQueryBeforeTheTunnel(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	office := newMachine(t, "office")
	n := newNode(l, "node")
	n.address()
	tunnel := &netlink.Veth{LinkAttrs: namedLink("vpn0"), PeerName: "eth0", PeerNamespace: netlink.NsPid(office.tid)}
	must(t, n.net.LinkAdd(tunnel))
	far := netip.MustParseAddr("203.0.113.53")
	must(t, office.net.AddrAdd(office.link("eth0"), onLink(far)))
	office.up("eth0")
	server := startScripted(office, netip.AddrPortFrom(far, 0), script{udp: answersWell})
	n.configure("[upstream]", fmt.Sprintf("servers = [%q]", server.addr()))
	n.boot()
	n.awaitReady()
	must(t, n.answers("SERVFAIL", "www.office.example"))
	must(t, n.net.AddrAdd(n.link("vpn0"), onLink(netip.MustParseAddr("203.0.113.2"))))
	n.up("vpn0")
	eventually(t, "the tunnel is noticed", func() error { return n.daemon.logged("other route to upstreams") })
	must(t, n.answers("NOERROR", "www.office.example"))
}

// A server that is restarted refuses queries for a moment, or ends each connection.
// What failed meanwhile is asked again as soon as the server has answered anything.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	h := l.join("servers").address()
	datagrams := newScripted(h, script{udp: answersWell})
	var ends atomic.Bool
	streams := newStreams(h, nil, func(_ int, conn net.Conn) {
		for q, err := receive(conn); err == nil && !ends.Load(); q, err = receive(conn) {
			_, _ = conn.Write(framed(q.reply(goodRecord))) // the other side may have gone
		}
	})
	n := newNode(l, "node")
	n.address()
	n.configure("[upstream]", "servers = []",
		route("udp.example", datagrams.addr()), route("tcp.example", fmt.Sprintf("tcp://%s", streams)))
	n.boot()
	n.awaitReady()
	for _, test := range []struct {
		domain      string
		stop, start func()
	}{
		{"udp.example", datagrams.stop, func() { startScripted(h.machine, datagrams.addr(), script{udp: answersWell}) }},
		{"tcp.example", func() { ends.Store(true) }, func() { ends.Store(false) }},
	} {
		t.Run(test.domain, func(t *testing.T) {
			t.Parallel()
			must(t, n.answers("NOERROR", "before."+test.domain))
			test.stop()
			for range 3 {
				must(t, n.answers("SERVFAIL", "polled."+test.domain))
			}
			test.start()
			tries := 0
			eventually(t, "the server answers", func() error {
				tries++
				return n.answers("NOERROR", fmt.Sprintf("other-%d.%s", tries, test.domain))
			})
			// A probe that the stop has ended may fail just now: what is sent before
			// that shows nothing.
			err := n.answers("NOERROR", "polled."+test.domain)
			for again := 0; err != nil && again < 3; again++ {
				must(t, n.answers("NOERROR", fmt.Sprintf("again-%d.%s", again, test.domain)))
				err = n.answers("NOERROR", "polled."+test.domain)
			}
			must(t, err)
		})
	}
}

// However long a server was silent, what failed meanwhile is asked again as soon
// as the server has answered a probe.
func TestOutage(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	var dead atomic.Bool
	n, _ := asksScripted(t, script{udp: func(s *scripted, q query, from netip.AddrPort) {
		if !dead.Load() {
			answersWell(s, q, from)
		}
	}})
	must(t, n.answers("NOERROR", "before.example"))
	dead.Store(true)
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("polled-%d.example.", i))
	}
	all := func(status string) error {
		replies, err := n.askTogether(names)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := replies[name].expectStatus(status); err != nil {
				return err
			}
		}
		return nil
	}
	must(t, all("SERVFAIL"))
	eventually(t, "the outage is noticed", func() error { return n.daemon.logged("the upstream does not answer") })
	if testkit.Full() {
		for range 60 {
			must(t, all("SERVFAIL"))
			time.Sleep(time.Second) // the outage itself
		}
	}
	dead.Store(false)
	eventually(t, "the end is noticed", func() error { return n.daemon.logged("the upstream answers again") })
	must(t, all("NOERROR"))
}

// While all servers are known to be down a new name costs each of them one query,
// and nobody waits for more; a search list adds its own names, and no repeats.
func TestNewNamesInAnOutage(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	h := l.join("servers").address()
	var asked [2]queryLog
	var servers []netip.AddrPort
	for i := range asked {
		servers = append(servers, newScripted(h, script{
			udp: func(_ *scripted, q query, _ netip.AddrPort) { asked[i].add(q.name()) },
			tcp: func(_ *scripted, q query, _ net.Conn) { asked[i].add(q.name()) },
		}).addr())
	}
	n := newNode(l, "node")
	n.address()
	n.configure("[upstream]", fmt.Sprintf("servers = [%q, %q]", servers[0], servers[1]))
	n.write("/etc/resolv.conf", "nameserver 127.0.0.53\nsearch one.example two.example\n")
	n.boot()
	n.awaitReady()
	eventually(t, "both are found to be down", func() error {
		must(t, n.answers("SERVFAIL", "first.example"))
		if found := n.daemon.log.Count("the upstream does not answer"); found < 2 {
			return fmt.Errorf("%d are", found)
		}
		return nil
	})
	for k := range 5 {
		name := fmt.Sprintf("new-%d.example.", k)
		must(t, n.answers("SERVFAIL", name))
		for i := range asked {
			if times := asked[i].count(name); times != 1 {
				t.Errorf("server %d was asked %d times for %s", i, times, name)
			}
		}
	}
	if addrs, err := n.getent("dns", "www.far"); err == nil {
		t.Errorf("glibc finds %v", addrs)
	}
	for i := range asked {
		for _, name := range []string{"www.far.", "www.far.one.example.", "www.far.two.example."} {
			// A and AAAA, which glibc asks for twice at most.
			if times := asked[i].count(name); times > 4 {
				t.Errorf("server %d was asked %d times for %s", i, times, name)
			}
		}
	}
}
