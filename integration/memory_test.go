package integration

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
)

// A daemon that has 100,000 nodes of a file, each with its name, and a full cache of
// 4 MiB has less than 64 MiB of its own while names are queried, of the nodes and of
// others. While it reads the file, the collector may be late on a busy machine.
func TestMemoryOfAFile(t *testing.T) {
	t.Parallel()
	testkit.Memory(t)
	testkit.Long(t)
	needSandbox(t)
	const (
		listedNodes  = 100_000
		otherNames   = 10_000 // whose answers take more than the cache
		mostMemory   = 64.0   // MB of 2^20 octets
		mostReading  = 96.0   // from the start on
		nodesNetwork = 10 << 24
	)
	nodes := make([]listed, listedNodes)
	for i := range nodes {
		addr := nodesNetwork + 1 + i
		nodes[i] = listed{
			Names:     []string{fmt.Sprint("host-", i)},
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{byte(addr >> 24), byte(addr >> 16), byte(addr >> 8), byte(addr)})},
		}
	}
	l := newLAN(t)
	server := newScripted(l.join("server").address(), script{udp: answersWell})
	n := through(l, "node", server.addr().String(), "[cache]", `size = "4MiB"`)
	inPlace(n.machine, "fleet.hosts", hostsFormat(nodes...))
	d, stop, most := n.boot(), make(chan struct{}), make(chan float64, 1)
	go func() { most <- d.peak(stop) }()
	n.awaitReady()
	eventually(t, "the last of the nodes", func() error { return n.resolves(nodes[listedNodes-1].Names[0], nodes[listedNodes-1].Addresses...) })

	conn, err := n.dial("udp", "127.0.0.53:53")
	must(t, err)
	defer conn.Close()
	for i := range otherNames {
		must(t, exchange(conn, fmt.Sprintf("name-%d.example.", i)))
		must(t, exchange(conn, nodes[rand.IntN(listedNodes)].Names[0]+"."))
	}
	close(stop)
	peak := <-most
	now, err := d.anonymous()
	must(t, err)
	t.Logf("%.1f MB at most, %.1f MB at the end", peak, now)
	if peak > mostReading || now > mostMemory {
		t.Errorf("%.1f MB at most, %.1f MB at the end, want at most %.0f and %.0f", peak, now, mostReading, mostMemory)
	}
}

// exchange queries a name over UDP until there is a reply, and checks that it has an
// address.
func exchange(conn net.Conn, name string) error {
	query, err := new(dns.Msg).SetQuestion(name, dns.TypeA).Pack()
	if err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := conn.Write(query); err != nil {
		return err
	}
	var buffer [512]byte
	size, err := conn.Read(buffer[:])
	if err != nil {
		return err
	}
	var reply dns.Msg
	if err := reply.Unpack(buffer[:size]); err != nil {
		return err
	}
	if reply.Rcode != dns.RcodeSuccess || len(reply.Answer) != 1 {
		return fmt.Errorf("the answer to %s is %s", name, &reply)
	}
	return nil
}
