package resolver

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/listen"
)

// Whatever arrives, the server survives, and its replies are DNS and for the
// client that asked.
func FuzzHandle(f *testing.F) {
	seeds := []*dns.Msg{
		query(ours, dns.TypeA), query("x.localhost", dns.TypeANY), query("www.example.org", dns.TypeMX),
		query("10.0.0.10.in-addr.arpa", dns.TypePTR), query(".", dns.TypeNS),
		withEDNS(query(nobody, dns.TypeAAAA), 512, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}, &dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}),
		new(dns.Msg).SetUpdate("example.org."), new(dns.Msg).SetReply(query(ours, dns.TypeA)),
	}
	for _, m := range seeds {
		f.Add(packed(f, m), true)
		f.Add(packed(f, m), false)
	}
	s := newServer(f, settings())
	f.Fuzz(func(t *testing.T, message []byte, tcp bool) {
		client := listen.Client{Addr: netip.MustParseAddrPort("127.0.0.1:1234"), TCP: tcp}
		reply, wait := s.Handle(message, client, make([]byte, 0, 512))
		if wait != nil {
			t.Fatal("a query waits for upstreams that do not exist")
		}
		silence := len(message) < wire.HeaderLen || message[2]&0x80 != 0
		if silence != (reply == nil) {
			t.Fatalf("reply %x", reply)
		}
		if silence {
			return
		}
		m := new(dns.Msg)
		if err := m.Unpack(reply); err != nil {
			t.Fatalf("the reply %x cannot be read: %v", reply, err)
		}
		if reply[0] != message[0] || reply[1] != message[1] || !m.Response {
			t.Errorf("the reply %x is not one to %x", reply, message)
		}
		if !tcp && len(reply) > wire.UDPLimit {
			t.Errorf("%d octets over UDP", len(reply))
		}
	})
}
