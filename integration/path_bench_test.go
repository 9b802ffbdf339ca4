package integration

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The benchmarks measure the path from a change to the DNS answer that has it,
// in the built program and with its metrics on:
//
//	go test ./integration -run '^$' -bench Path
//
// They report the median and the 99th percentile. The watcher of the kernel
// waits for up to 50 ms on purpose, so that a storm is read once.

// withMetrics is the part of a configuration that has metrics served.
const withMetrics = "[metrics]\nlisten = \"127.0.0.1:9353\""

// report makes metrics of single durations.
func report(b *testing.B, took []time.Duration) {
	b.ReportMetric(latencies(took).at(0.50), "p50-ms")
	b.ReportMetric(latencies(took).at(0.99), "p99-ms")
}

// asker queries A records over one socket, as fast as answers arrive.
type asker struct {
	b      *testing.B
	conn   *dns.Conn
	client dns.Client
}

func newAsker(b *testing.B, m *machine) *asker {
	conn, err := m.dial("udp", "127.0.0.53:53")
	must(b, err)
	b.Cleanup(func() { conn.Close() })
	return &asker{b: b, conn: &dns.Conn{Conn: conn}, client: dns.Client{Timeout: time.Second}}
}

// await queries until a name has this address. Until a server listens there is
// an error for each query.
func (a *asker) await(name string, want netip.Addr) {
	query := new(dns.Msg).SetQuestion(name+".", dns.TypeA)
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		r, _, err := a.client.ExchangeWithConn(query, a.conn)
		if err != nil {
			time.Sleep(100 * time.Microsecond) // leaves the CPU to the starting daemon
			continue
		}
		if len(r.Answer) != 1 {
			continue
		}
		if record, ok := r.Answer[0].(*dns.A); ok && record.A.Equal(want.AsSlice()) {
			return
		}
	}
	a.b.Fatalf("%s never had the address %s", name, want)
}

// BenchmarkPathKernelAddress: from an address change in the kernel.
func BenchmarkPathKernelAddress(b *testing.B) {
	needSandbox(b)
	n := newNode(newLAN(b), "node")
	n.address()
	n.configure(noUpstream, withMetrics)
	n.boot()
	change := newAddressChange(b, n)
	asks := newAsker(b, n.machine)
	asks.await(n.id, n.v4())
	var took []time.Duration
	for b.Loop() {
		next := change.toggle
		start := time.Now()
		change.to(next[0], next[1])
		asks.await(n.id, next[1])
		took = append(took, time.Since(start))
		change.toggle = [2]netip.Addr{next[1], next[0]}
	}
	report(b, took)
}

// addressChange uses netlink itself, because starting "ip" would take longer
// than what is measured.
type addressChange struct {
	b      *testing.B
	handle *netlink.Handle
	link   netlink.Link
	toggle [2]netip.Addr // the present address and the next one
}

func newAddressChange(b *testing.B, n *node) *addressChange {
	c := &addressChange{b: b, toggle: [2]netip.Addr{n.v4(), netip.MustParseAddr("10.99.0.1")}}
	var err error
	n.do(func() { c.handle, err = netlink.NewHandle(unix.NETLINK_ROUTE) })
	must(b, err)
	b.Cleanup(c.handle.Close)
	c.link, err = c.handle.LinkByName("eth0")
	must(b, err)
	return c
}

// to replaces one address by another. They are of different subnets, because
// the kernel removes the others of a subnet with its first one.
func (c *addressChange) to(from, to netip.Addr) {
	address := func(addr netip.Addr) *netlink.Addr {
		return &netlink.Addr{IPNet: &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(24, 32)}}
	}
	must(c.b, c.handle.AddrAdd(c.link, address(to)))
	must(c.b, c.handle.AddrDel(c.link, address(from)))
}

// BenchmarkPathCuratorEvent: from a change at the curator.
func BenchmarkPathCuratorEvent(b *testing.B) {
	needSandbox(b)
	l := newLAN(b)
	c := newCurator(l, "curator")
	n := newNode(l, "node")
	n.address()
	n.configure(follows(c), noUpstream, withMetrics)
	c.enrol(n)
	c.tell("fill 9000")
	n.boot()
	eventually(b, "the cluster is known", func() error { return n.connection(true) })
	peer, addr := strangerID(b), netip.MustParseAddr("10.88.1.1")
	asks := newAsker(b, n.machine)
	var took []time.Duration
	for b.Loop() {
		addr = addr.Next()
		start := time.Now()
		c.tell("set %s %s", peer, addr)
		asks.await(peer, addr)
		took = append(took, time.Since(start))
	}
	report(b, took)
}

// BenchmarkPathStart: from the start of the process, with 10,000 saved nodes
// and no curator.
func BenchmarkPathStart(b *testing.B) {
	needSandbox(b)
	l := newLAN(b)
	c := newCurator(l, "curator")
	n := newNode(l, "node")
	n.address()
	n.configure(follows(c), noUpstream, withMetrics)
	c.enrol(n)
	c.tell("fill 9997")
	peer, addr := strangerID(b), netip.MustParseAddr("10.88.1.1")
	c.tell("set %s %s", peer, addr)
	d := n.boot()
	eventually(b, "all nodes are known", func() error { return n.counts(10000, 0, 0) })
	c.kill()
	d.signal(unix.SIGTERM)
	if code := d.exit(); code != 0 {
		b.Fatal(fmt.Errorf("the exit status is %d", code))
	}
	asks := newAsker(b, n.machine)
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		d := n.boot()
		asks.await(peer, addr)
		took = append(took, time.Since(start))
		d.kill()
	}
	report(b, took)
}
