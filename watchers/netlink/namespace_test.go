package netlink

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	rtnetlink "github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// patience bounds how long a test waits for something that must happen.
const patience = testkit.Patience

// namespace is a network namespace of its own, empty but for loopback.
type namespace struct {
	*rtnetlink.Handle
	t  *testing.T
	ns netns.NsHandle
}

// newNamespace makes a network namespace, or skips the test without the right
// to do so.
func newNamespace(t *testing.T) *namespace {
	t.Helper()
	var (
		ns  netns.NsHandle
		err error
	)
	onOwnThread(func() {
		if err = unix.Unshare(unix.CLONE_NEWNET); err == nil {
			ns, err = netns.Get()
		}
	})
	if err != nil {
		testkit.Skip(t, fmt.Sprintf("needs CAP_SYS_ADMIN, to make a network namespace: %v", err))
	}
	t.Cleanup(func() { _ = ns.Close() })
	handle, err := rtnetlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handle.Close)
	return &namespace{Handle: handle, t: t, ns: ns}
}

// onOwnThread runs f on a thread whose state it may change: it is discarded.
func onOwnThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done
}

func (n *namespace) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// veth adds a pair of links, both up, the second one in peer.
func (n *namespace) veth(name string, peer *namespace, peerName string) {
	n.t.Helper()
	attrs := rtnetlink.NewLinkAttrs()
	attrs.Name = name
	n.must(n.LinkAdd(&rtnetlink.Veth{LinkAttrs: attrs, PeerName: peerName, PeerNamespace: rtnetlink.NsFd(peer.ns)}))
	n.must(n.LinkSetUp(n.link(name)))
	n.must(peer.LinkSetUp(peer.link(peerName)))
}

func (n *namespace) link(name string) rtnetlink.Link {
	n.t.Helper()
	l, err := n.LinkByName(name)
	n.must(err)
	return l
}

func (n *namespace) addr(name, prefix string, flags int) {
	n.t.Helper()
	a, err := rtnetlink.ParseAddr(prefix)
	n.must(err)
	a.Flags = flags
	n.must(n.AddrAdd(n.link(name), a))
}

func (n *namespace) delAddr(name, prefix string) {
	n.t.Helper()
	a, err := rtnetlink.ParseAddr(prefix)
	n.must(err)
	n.must(n.AddrDel(n.link(name), a))
}

// delAddrs takes all addresses of a link.
func (n *namespace) delAddrs(name string) {
	n.t.Helper()
	list, err := n.AddrList(n.link(name), rtnetlink.FAMILY_ALL)
	n.must(err)
	for i := range list {
		n.must(n.AddrDel(n.link(name), &list[i]))
	}
}

// defaultRoute adds or replaces a default route without a gateway.
func (n *namespace) defaultRoute(name string, metric int, source, anywhere string) {
	n.t.Helper()
	dst, err := rtnetlink.ParseIPNet(anywhere)
	n.must(err)
	r := &rtnetlink.Route{LinkIndex: n.link(name).Attrs().Index, Dst: dst, Priority: metric, Scope: unix.RT_SCOPE_LINK}
	if source != "" {
		r.Src = netip.MustParseAddr(source).AsSlice()
	}
	n.must(n.RouteReplace(r))
}

// flags returns the flags of an address, or -1 without it.
func (n *namespace) flags(ip string) int {
	n.t.Helper()
	list, err := listAgain(n.t.Context(), func() ([]rtnetlink.Addr, error) { return n.AddrList(nil, rtnetlink.FAMILY_ALL) })
	n.must(err)
	for _, a := range list {
		if a.IP.String() == ip {
			return a.Flags
		}
	}
	return -1
}

// sysctl sets a value below /proc/sys/net of the namespace.
func (n *namespace) sysctl(name, value string) {
	n.t.Helper()
	var err error
	onOwnThread(func() {
		if err = netns.Set(n.ns); err == nil {
			err = os.WriteFile(filepath.Join("/proc/sys/net", name), []byte(value), 0)
		}
	})
	n.must(err)
}

// watching is a Watcher that runs, and what it did.
type watching struct {
	t       *testing.T
	stop    func()
	ended   chan struct{}
	err     error         // after ended
	changed chan struct{} // a level: something below did

	mu        sync.Mutex
	published [][]netip.Addr
	reads     int
}

// watch runs w in the namespace until the test ends, or stop is called.
func (n *namespace) watch(w Watcher) *watching {
	w.namespace = &n.ns
	return watch(n.t, w)
}

func watch(t *testing.T, w Watcher) *watching {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	run := &watching{t: t, ended: make(chan struct{}), changed: make(chan struct{}, 1)}
	run.stop = func() { cancel(); <-run.ended }
	t.Cleanup(run.stop)
	w.Publish = func(addrs []netip.Addr) {
		run.mu.Lock()
		defer run.mu.Unlock()
		run.published = append(run.published, addrs)
	}
	held := w.onRead
	w.onRead = func() {
		run.mu.Lock()
		run.reads++
		run.mu.Unlock()
		select {
		case run.changed <- struct{}{}:
		default:
		}
		if held != nil {
			held()
		}
	}
	go func() {
		defer close(run.ended)
		run.err = w.Run(ctx)
	}()
	return run
}

// await returns when the condition holds, which is checked after each reading.
func (run *watching) await(what string, condition func() bool) {
	run.t.Helper()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-run.changed:
		case <-run.ended:
			run.t.Fatalf("Run ended with %v before %s; published %v", run.err, what, run.all())
		case <-deadline:
			run.t.Fatalf("no %s; published %v", what, run.all())
		}
	}
}

// awaitAddrs returns when exactly these addresses are the newest published.
func (run *watching) awaitAddrs(what string, ips ...string) {
	run.t.Helper()
	run.await(what, func() bool {
		all := run.all()
		return len(all) > 0 && slices.Equal(all[len(all)-1], parse(ips))
	})
}

func (run *watching) all() [][]netip.Addr {
	run.mu.Lock()
	defer run.mu.Unlock()
	return slices.Clone(run.published)
}

func (run *watching) readings() int {
	run.mu.Lock()
	defer run.mu.Unlock()
	return run.reads
}

// ever reports whether an address was published at any time.
func (run *watching) ever(ip string) bool {
	return slices.ContainsFunc(run.all(), func(addrs []netip.Addr) bool {
		return slices.Contains(addrs, netip.MustParseAddr(ip))
	})
}

func parse(ips []string) (addrs []netip.Addr) {
	for _, ip := range ips {
		addrs = append(addrs, netip.MustParseAddr(ip))
	}
	return addrs
}
