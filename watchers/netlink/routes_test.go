package netlink

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"

	rtnetlink "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// routing is a Routes that runs, and what it reported.
type routing struct {
	t *testing.T
	*Routes
	stop func()

	mu       sync.Mutex
	addrs    []netip.Addr
	reported []netip.Addr
	reads    int
}

func (n *namespace) watchRoutes(to ...string) *routing {
	r := &routing{t: n.t, addrs: parse(to)}
	r.Routes = NewRoutes(func() []netip.Addr {
		r.mu.Lock()
		defer r.mu.Unlock()
		return slices.Clone(r.addrs)
	}, func(changed []netip.Addr) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reported = append(r.reported, changed...)
	}, nil)
	r.namespace = &n.ns
	r.onRead = func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reads++
	}
	r.start()
	return r
}

func (r *routing) start() {
	ctx, cancel := context.WithCancel(r.t.Context())
	ended := make(chan struct{})
	before := r.readings()
	go func() { defer close(ended); _ = r.Run(ctx) }()
	r.stop = func() { cancel(); <-ended }
	r.t.Cleanup(r.stop)
	testkit.Eventually(r.t, "the first reading", func() error {
		if r.readings() == before {
			return fmt.Errorf("none")
		}
		return nil
	})
}

func (r *routing) readings() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reads
}

// await waits until exactly these addresses were reported since the last await.
func (r *routing) await(what string, want ...string) {
	r.t.Helper()
	testkit.Eventually(r.t, what, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		got := slices.Clone(r.reported)
		slices.SortFunc(got, netip.Addr.Compare)
		if !slices.Equal(slices.Compact(got), parse(want)) {
			return fmt.Errorf("%v are reported", got)
		}
		r.reported = nil
		return nil
	})
}

// Each kind of change is reported, for those it concerns.
func TestRoutes(t *testing.T) {
	t.Parallel()
	n, peer := newNamespace(t), newNamespace(t)
	n.veth("eth0", peer, "p0")
	n.veth("vpn0", peer, "p1")
	n.addr("eth0", "192.0.2.2/24", 0)
	n.addr("vpn0", "10.8.0.2/32", 0)
	const local, far, private = "192.0.2.53", "198.51.100.53", "10.9.0.53"
	r := n.watchRoutes(far, local, private)

	n.routeVia("0.0.0.0/0", 10, "192.0.2.1")
	r.await("the default route", private, far)
	vpn := &rtnetlink.Route{Dst: parseNet(t, "10.9.0.0/16"), LinkIndex: n.link("vpn0").Attrs().Index, Scope: unix.RT_SCOPE_LINK}
	n.must(n.RouteAdd(vpn))
	r.await("a route among others", private)
	r.stop()
	n.must(n.RouteDel(vpn))
	r.start()
	r.await("what was missed", private)

	n.must(n.RouteAdd(&rtnetlink.Route{Dst: parseNet(t, "0.0.0.0/0"), Table: 100, LinkIndex: vpn.LinkIndex, Scope: unix.RT_SCOPE_LINK}))
	rule := rtnetlink.NewRule()
	rule.Family, rule.Table, rule.Dst = rtnetlink.FAMILY_V4, 100, parseNet(t, "10.9.0.0/16")
	n.must(n.RuleAdd(rule))
	r.await("a rule", private)
	n.must(peer.LinkSetDown(peer.link("p0")))
	r.await("no carrier", local, far)
	n.must(peer.LinkSetUp(peer.link("p0")))
	r.await("a carrier", local, far)
	n.addr("eth0", "192.0.2.3/24", 0)
	n.delAddr("eth0", "192.0.2.2/24")
	n.must(n.LinkSetDown(n.link("eth0")))
	r.await("a link that is down", local, far)
}

// What does not concern the addresses is not reported, and one that is new is
// known before the next change.
func TestRoutesOfOthers(t *testing.T) {
	t.Parallel()
	n, peer := newNamespace(t), newNamespace(t)
	n.veth("eth0", peer, "p0")
	n.addr("eth0", "192.0.2.2/24", 0)
	r := n.watchRoutes("192.0.2.53")
	for i := range 2000 {
		prefix := fmt.Sprintf("10.1.%d.%d/32", i>>8, i&255)
		n.addr("eth0", prefix, 0)
		n.delAddr("eth0", prefix)
	}
	r.mu.Lock()
	r.addrs = parse([]string{"192.0.2.53", "198.51.100.53"})
	r.reads = 0
	r.mu.Unlock()
	r.Hint()
	testkit.Eventually(t, "the new address is known", func() error {
		if r.readings() < 2 { // the first may have begun before
			return fmt.Errorf("not read again")
		}
		return nil
	})
	n.routeVia("0.0.0.0/0", 10, "192.0.2.1")
	r.await("the new one only", "198.51.100.53")
}
