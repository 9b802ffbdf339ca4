package upstream

import (
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit/nameserver"
)

// script is what a fake server does with a query.
type script func(w dns.ResponseWriter, query *dns.Msg)

// fake is a server on loopback, over UDP and TCP.
type fake struct {
	addr  netip.AddrPort
	asked atomic.Int32
}

func serve(t testing.TB, udp, tcp script) *fake {
	t.Helper()
	f := new(fake)
	f.addr = nameserver.Serve(t, f.handler(udp), f.handler(tcp))
	return f
}

func (f *fake) handler(s script) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		f.asked.Add(1)
		if s != nil {
			s(w, query)
		}
	}
}

// reply is a plain answer with an address.
func reply(query *dns.Msg, addr string) *dns.Msg {
	m := new(dns.Msg).SetReply(query)
	m.Answer = append(m.Answer, &dns.A{
		Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60},
		A:   net.ParseIP(addr),
	})
	return m
}

func answering(addr string) script {
	return func(w dns.ResponseWriter, query *dns.Msg) { _ = w.WriteMsg(reply(query, addr)) }
}

func failing(rcode int) script {
	return func(w dns.ResponseWriter, query *dns.Msg) { _ = w.WriteMsg(new(dns.Msg).SetRcode(query, rcode)) }
}

// unreachable is an address of loopback where no server listens.
func unreachable(t testing.TB) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() // closing is what it tests
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func query(name string) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(name, dns.TypeA)
	return m
}

// firstA is the address in a reply.
func firstA(m *dns.Msg) string {
	if m == nil || len(m.Answer) == 0 {
		return ""
	}
	if a, ok := m.Answer[0].(*dns.A); ok {
		return a.A.String()
	}
	return strconv.Itoa(len(m.Answer)) + " answers"
}

// long is a timeout that no test is to reach.
const long = 20 * time.Second
