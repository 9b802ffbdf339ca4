package listen

import (
	"bytes"
	"io"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// roundSize is the number of queries in flight.
const roundSize = batchSize

// newRound makes a function that sends a round of queries and receives the
// replies.
func newRound(tb testing.TB, network string, s *Sockets) func() {
	tb.Helper()
	c := dial(tb, network, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), s.Addrs()[0].Port()))
	query, reply := []byte(message("the size of an ordinary query, with a name of a node in it")), make([]byte, 4096)
	if network == "tcp" {
		queries := bytes.Repeat(frame(string(query)), roundSize)
		return func() {
			c.send(queries)
			if _, err := io.ReadFull(c.Conn, reply[:len(queries)]); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return func() {
		for range roundSize {
			c.send(query)
		}
		for range roundSize {
			if _, err := c.Read(reply); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

// What a query costs beside its answer, the client's part included, which is
// most of it over UDP: it sends and receives messages one by one.
func BenchmarkRound(b *testing.B) {
	for name, addr := range map[string]string{"udp": "127.0.0.1:0", "udp wildcard": "0.0.0.0:0", "tcp": "127.0.0.1:0"} {
		b.Run(name, func(b *testing.B) {
			s := start(b, echo, Limits{}, addr)
			round := newRound(b, name[:3], s)
			b.ReportAllocs()
			for b.Loop() {
				round()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/roundSize, "ns/query")
		})
	}
}

// What the loop itself does to a batch, beside the system calls: the parts of
// [packetLoop]'s answer that every query takes.
func BenchmarkAnswer(b *testing.B) {
	for name, wildcard := range map[string]bool{"one address": false, "wildcard": true} {
		b.Run(name, func(b *testing.B) {
			batch := newBatch(wildcard)
			for i := range batch.slots {
				s := &batch.slots[i]
				s.name.Family = unix.AF_INET
				control := unix.PktInfo4(&unix.Inet4Pktinfo{Ifindex: 1, Spec_dst: [4]byte{127, 0, 0, 1}})
				batch.received[i].Len = 64
				batch.received[i].Hdr.SetControllen(copy(s.control[:], control))
			}
			b.ReportAllocs()
			for b.Loop() {
				for i := range batchSize {
					s := &batch.slots[i]
					client := Client{Addr: s.name.addrPort()}
					batch.destination(i)
					reply, _ := echo(batch.message(i), client, s.reply[:0])
					batch.stage(i, i, reply)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batchSize, "ns/query")
		})
	}
}
