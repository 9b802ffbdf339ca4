package resolver

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/listen"
)

// The ordinary path of one query, without the sockets.
func BenchmarkHandle(b *testing.B) {
	s := newServer(b, settings())
	client := listen.Client{Addr: netip.MustParseAddrPort("127.0.0.1:1234")}
	for name, q := range map[string]*dns.Msg{
		"A":        query(theirs, dns.TypeA),
		"EDNS":     withEDNS(query(theirs, dns.TypeA), 1232),
		"NXDOMAIN": query(nobody, dns.TypeA),
	} {
		b.Run(name, func(b *testing.B) {
			message, buffer := packed(b, q), make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				if reply, _ := s.Handle(message, client, buffer); len(reply) == 0 {
					b.Fatal("no reply")
				}
			}
		})
	}
}

// The same over a socket, one query in flight.
func BenchmarkUDP(b *testing.B) {
	s := start(b, newServer(b, settings()))
	c := dial(b, s, "udp")
	message, reply := packed(b, query(theirs, dns.TypeA)), make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		c.send(message)
		if _, err := c.Read(reply); err != nil {
			b.Fatal(err)
		}
	}
}
