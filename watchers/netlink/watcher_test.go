package netlink

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	rtnetlink "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// TestRunLeavesNoGoroutine is not parallel, so that no other test's watcher
// is running.
func TestRunLeavesNoGoroutine(t *testing.T) {
	for name, end := range map[string]func(*namespace, *watching){
		"stopped": func(_ *namespace, run *watching) { run.stop() },
		"stopped with messages waiting": func(n *namespace, run *watching) {
			for i := range 200 {
				n.addr("lo", fmt.Sprintf("10.0.%d.1/32", i), 0)
			}
			run.stop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNamespace(t)
			run := n.watch(Watcher{})
			run.awaitAddrs("first list")
			end(n, run)
			if run.err != nil {
				t.Errorf("Run = %v after its context ended", run.err)
			}
			requireNoGoroutine(t)
		})
	}
	t.Run("overrun", func(t *testing.T) {
		newNamespace(t).overrun()
		requireNoGoroutine(t)
	})
}

// TestRunLeavesNoDescriptor is not parallel either.
func TestRunLeavesNoDescriptor(t *testing.T) {
	n := newNamespace(t)
	runs := map[string]func(){
		"Watcher": func() {
			run := n.watch(Watcher{})
			run.awaitAddrs("first list")
			run.stop()
		},
		"Watcher of a broken subscription": n.overrun,
		"Routes":                           func() { n.watchRoutes("192.0.2.1").stop() },
	}
	for name, run := range runs {
		t.Run(name, func(t *testing.T) {
			n.t = t
			run() // what the runtime opens once is open by then
			before := openDescriptors(t)
			for range 3 {
				n.delAddrs("lo")
				run()
			}
			if after := openDescriptors(t); after != before {
				t.Errorf("%d descriptors after three runs, want %d as before", after, before)
			}
		})
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// requireNoGoroutine fails if a subscription is still being read. One whose end is
// known may have to be scheduled once more.
func requireNoGoroutine(t *testing.T) {
	t.Helper()
	stacks := make([]byte, 1<<20)
	for began := time.Now(); time.Since(began) < patience; runtime.Gosched() {
		if !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "(*subscription)") {
			return
		}
	}
	t.Errorf("a subscription is still read:\n%s", stacks)
}

func TestRunRefusesBadPattern(t *testing.T) {
	t.Parallel()
	w := Watcher{Interfaces: []string{"eth*", "eth[0"}}
	err := w.Run(t.Context())
	if !errors.Is(err, path.ErrBadPattern) || !strings.Contains(err.Error(), "eth[0") {
		t.Errorf("Run = %v, want ErrBadPattern that names the pattern", err)
	}
}

// Needs no privileges: it reads what every process may, and changes nothing.
func TestRunOnThisMachine(t *testing.T) {
	t.Parallel()
	run := watch(t, Watcher{})
	run.await("first list", func() bool { return len(run.all()) > 0 })
	run.stop()
	if run.err != nil {
		t.Errorf("Run = %v after its context ended", run.err)
	}
}

func TestFollowsTheKernel(t *testing.T) {
	t.Parallel()
	n, peer := newNamespace(t), newNamespace(t)
	run := n.watch(Watcher{})
	run.awaitAddrs("empty list")

	n.veth("eth0", peer, "p0")
	n.veth("eth1", peer, "p1")
	n.addr("eth0", "10.0.0.2/24", 0)
	run.awaitAddrs("address without a route", "10.0.0.2")
	n.addr("eth1", "10.1.0.2/24", 0)
	n.defaultRoute("eth1", 10, "", "0.0.0.0/0")
	run.awaitAddrs("address of the route", "10.1.0.2")
	n.defaultRoute("eth0", 5, "", "0.0.0.0/0")
	run.awaitAddrs("address of the lower metric", "10.0.0.2")
	n.addr("eth0", "10.0.0.3/24", 0)
	n.defaultRoute("eth0", 5, "10.0.0.3", "0.0.0.0/0")
	run.awaitAddrs("preferred source", "10.0.0.3")
	n.delAddr("eth0", "10.0.0.3/24")
	run.awaitAddrs("other route, as the kernel dropped this one with its source", "10.1.0.2")

	n.addr("eth1", "2001:db8::2/64", unix.IFA_F_NODAD)
	n.defaultRoute("eth1", 10, "", "::/0")
	run.awaitAddrs("both families", "10.1.0.2", "2001:db8::2")
	n.addr("eth1", "2001:db8::3/64", unix.IFA_F_NODAD)
	n.deprecate("eth1", "2001:db8::2/64")
	run.awaitAddrs("no deprecated address, as there is another one", "10.1.0.2", "2001:db8::3")

	n.must(n.LinkSetDown(n.link("eth1")))
	run.awaitAddrs("no address of a link that is down", "10.0.0.2")
	n.must(n.LinkDel(n.link("eth0")))
	run.awaitAddrs("no address of a link that is gone")
}

// deprecate ends the preferred lifetime of an address.
func (n *namespace) deprecate(name, prefix string) {
	n.t.Helper()
	a, err := rtnetlink.ParseAddr(prefix)
	n.must(err)
	a.ValidLft, a.PreferedLft, a.Flags = 3600, 0, unix.IFA_F_NODAD
	n.must(n.AddrReplace(n.link(name), a))
}

// A bridge of containers leads nowhere, until it is listed or routed through.
func TestBridge(t *testing.T) {
	t.Parallel()
	n, peer := newNamespace(t), newNamespace(t)
	attrs := rtnetlink.NewLinkAttrs()
	attrs.Name = "docker0"
	n.must(n.LinkAdd(&rtnetlink.Bridge{LinkAttrs: attrs}))
	n.must(n.LinkSetUp(n.link("docker0")))
	n.veth("veth1", peer, "eth0")
	n.must(n.LinkSetMaster(n.link("veth1"), n.link("docker0")))
	n.addr("docker0", "172.17.0.1/16", 0)

	listed := n.watch(Watcher{Interfaces: []string{"docker?"}})
	listed.awaitAddrs("address of the bridge listed", "172.17.0.1")
	run := n.watch(Watcher{})
	run.awaitAddrs("empty list")
	n.defaultRoute("docker0", 0, "", "0.0.0.0/0")
	run.awaitAddrs("address of the bridge routed through", "172.17.0.1")
}

// A VPN takes the best default route: the second one's address is that of the machine.
// The kernel is asked about it, though no packet leaves by it.
func TestBestRouteThroughATunnel(t *testing.T) {
	t.Parallel()
	n, peer := newNamespace(t), newNamespace(t)
	n.veth("eth0", peer, "p0")
	n.addr("eth0", "10.0.0.2/24", 0)
	n.defaultRoute("eth0", 100, "", "0.0.0.0/0")
	attrs := rtnetlink.NewLinkAttrs()
	attrs.Name = "vpn0"
	if err := n.LinkAdd(&rtnetlink.Vxlan{LinkAttrs: attrs, VxlanId: 7, Port: 4789}); errors.Is(err, unix.EOPNOTSUPP) {
		testkit.Skip(t, "needs the kernel's vxlan, for a tunnel")
	} else {
		n.must(err)
	}
	n.must(n.LinkSetUp(n.link("vpn0")))
	n.addr("vpn0", "10.8.0.2/24", 0)
	n.defaultRoute("vpn0", 1, "", "0.0.0.0/0")
	run := n.watch(Watcher{})
	run.awaitAddrs("address of the second route", "10.0.0.2")
	if run.ever("10.8.0.2") {
		t.Error("the tunnel's address was published")
	}
	n.addr("eth0", "10.0.1.3/24", 0)
	n.defaultRoute("eth0", 100, "10.0.1.3", "0.0.0.0/0")
	run.awaitAddrs("preferred source of the second route", "10.0.1.3")
}

func TestPointToPoint(t *testing.T) {
	t.Parallel()
	n, peer := newNamespace(t), newNamespace(t)
	n.veth("eth0", peer, "eth0")
	ours, err := rtnetlink.ParseAddr("192.0.2.1/32")
	n.must(err)
	ours.Peer, err = rtnetlink.ParseIPNet("192.0.2.99/32")
	n.must(err)
	n.must(n.AddrAdd(n.link("eth0"), ours))
	n.watch(Watcher{}).awaitAddrs("our end of the link", "192.0.2.1")
}

// Very many routes of one family leave the other one its address, and very many next
// hops are one question to the kernel.
func TestVeryManyDefaultRoutes(t *testing.T) {
	t.Parallel()
	n, peer := newNamespace(t), newNamespace(t)
	n.veth("eth0", peer, "p0")
	n.veth("eth1", peer, "p1")
	n.addr("eth0", "192.0.2.2/24", 0)
	n.addr("eth1", "10.0.0.2/24", 0)
	n.addr("eth1", "2001:db8::2/64", unix.IFA_F_NODAD)
	n.defaultRoute("eth1", 1, "", "::/0")
	var hops []string
	for i := range maxAsked + 6 {
		hops = append(hops, fmt.Sprint("192.0.2.", 10+i))
	}
	n.routeVia("0.0.0.0/0", 1, hops...)
	for i := range maxAsked + 6 {
		n.defaultRoute("eth1", 2+i, "", "0.0.0.0/0")
	}
	run := n.watch(Watcher{})
	run.awaitAddrs("address of each family", "192.0.2.2", "2001:db8::2")
	n.delAddr("eth0", "192.0.2.2/24") // and with it the next hops
	run.awaitAddrs("address of the next route", "10.0.0.2", "2001:db8::2")
	run.stop()
}

func TestNeverTentative(t *testing.T) {
	t.Parallel()
	n, peer := newNamespace(t), newNamespace(t)
	n.veth("eth0", peer, "eth0")
	// With so many probes the detection outlasts the test.
	n.sysctl("ipv6/conf/eth0/dad_transmits", "1000")
	run := n.watch(Watcher{})
	n.addr("eth0", "2001:db8::2/64", 0)
	n.defaultRoute("eth0", 10, "", "::/0")
	// The change of the other family makes sure that the lists are read.
	n.addr("eth0", "10.0.0.2/24", 0)
	run.awaitAddrs("other family's address", "10.0.0.2")
	if flags := n.flags("2001:db8::2"); flags&unix.IFA_F_TENTATIVE == 0 {
		t.Fatalf("flags %#x: the address is not tentative, and the test void", flags)
	}

	n.delAddr("eth0", "2001:db8::2/64")
	n.sysctl("ipv6/conf/eth0/dad_transmits", "1")
	n.addr("eth0", "2001:db8::3/64", 0)
	run.awaitAddrs("address after its detection", "10.0.0.2", "2001:db8::3")
	if flags := n.flags("2001:db8::3"); flags&unix.IFA_F_TENTATIVE != 0 {
		t.Errorf("flags %#x: published while tentative", flags)
	}
	if run.ever("2001:db8::2") {
		t.Error("a tentative address was published")
	}
}

func TestNeverDuplicate(t *testing.T) {
	t.Parallel()
	n, peer := newNamespace(t), newNamespace(t)
	n.veth("eth0", peer, "eth0")
	peer.addr("eth0", "2001:db8::2/64", unix.IFA_F_NODAD)
	run := n.watch(Watcher{})
	n.defaultRoute("eth0", 10, "", "::/0")
	n.addr("eth0", "2001:db8::2/64", 0)
	run.await("failed detection", func() bool { return n.flags("2001:db8::2")&unix.IFA_F_DADFAILED != 0 })
	n.addr("eth0", "2001:db8::3/64", unix.IFA_F_NODAD)
	run.awaitAddrs("good address", "2001:db8::3")
	if run.ever("2001:db8::2") {
		t.Error("a duplicate address was published")
	}
}

func TestChangesNothing(t *testing.T) {
	t.Parallel()
	n, peer := newNamespace(t), newNamespace(t)
	n.veth("eth0", peer, "eth0")
	n.addr("eth0", "10.0.0.2/24", 0)
	run := n.watch(Watcher{})
	run.awaitAddrs("address", "10.0.0.2")
	before := run.readings()
	n.must(n.LinkSetMTU(n.link("eth0"), 1400))
	// The second reading is the one that confirms the first.
	run.await("two readings", func() bool { return run.readings() >= before+2 })
	if all := run.all(); len(all) != 1 {
		t.Errorf("published %v, want the address once", all)
	}
}

// All the changes come while the watcher is held in a reading, so that the
// count does not depend on how fast they are.
func TestStorm(t *testing.T) {
	t.Parallel()
	n, peer := newNamespace(t), newNamespace(t)
	n.veth("eth0", peer, "eth0")
	n.addr("eth0", "10.0.0.2/32", 0)

	reading, release := make(chan struct{}), make(chan struct{})
	first := true
	run := n.watch(Watcher{onRead: func() {
		if first {
			first = false
			close(reading)
			<-release
		}
	}})
	<-reading
	for i := range 1000 {
		prefix := fmt.Sprintf("10.1.%d.%d/32", i>>8, i&255)
		n.addr("eth0", prefix, 0)
		n.delAddr("eth0", prefix)
	}
	n.addr("eth0", "10.0.0.3/32", 0)
	n.delAddr("eth0", "10.0.0.2/32")
	close(release)
	run.awaitAddrs("last address", "10.0.0.3")
	if got := run.readings(); got != 2 {
		t.Errorf("%d readings for 2002 changes, want the first and one more", got)
	}
	if all := run.all(); len(all) != 2 {
		t.Errorf("published %v, want the address before and the one after", all)
	}
}

func TestNothingMissedByOverrun(t *testing.T) {
	t.Parallel()
	n := newNamespace(t)
	n.overrun()
	run := n.watch(Watcher{Interfaces: []string{"lo"}})
	run.awaitAddrs("address of the burst", "10.0.0.1")
}

// overrun lets changes come faster than the watcher takes them, until the
// kernel drops some, and waits for Run to fail of that.
func (n *namespace) overrun() {
	n.t.Helper()
	held := make(chan struct{})
	run := n.watch(Watcher{
		Interfaces:    []string{"lo"},
		receiveBuffer: 1, // the kernel raises it to its minimum
		onReceive:     func() { <-held },
	})
	run.awaitAddrs("first list")
	n.must(n.LinkSetUp(n.link("lo")))
	for i := range 200 {
		n.addr("lo", fmt.Sprintf("10.0.%d.1/32", i), 0)
	}
	close(held)
	select {
	case <-run.ended:
	case <-time.After(patience):
		n.t.Fatal("Run did not end")
	}
	if !errors.Is(run.err, unix.ENOBUFS) {
		n.t.Fatalf("Run = %v, want ENOBUFS", run.err)
	}
}

// The address of a family that has none for a while is kept for when it is back.
func TestReplaced(t *testing.T) {
	t.Parallel()
	four, six := Present{netip.MustParseAddr("10.0.0.2"), true}, Present{netip.MustParseAddr("2001:db8::2"), true}
	other := pick{address: address{ip: netip.MustParseAddr("10.0.0.3")}}
	if got, want := replaced([]Present{four, six}, []pick{other}), []Present{{other.ip, false}, six}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := replaced([]Present{four, six}, nil); !slices.Equal(got, []Present{four, six}) {
		t.Errorf("without any %v", got)
	}
}
