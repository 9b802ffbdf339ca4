package upstream

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// grouped is a group of real servers, with a timeout that no test is to reach.
func grouped(servers ...netip.AddrPort) *Group {
	return groupedWith(Config{}, Options{}, servers...)
}

func groupedWith(config Config, options Options, servers ...netip.AddrPort) *Group {
	list := make([]Server, len(servers))
	for i, addr := range servers {
		list[i] = Plain(addr)
	}
	options.Timeout = long
	p := New(config)
	p.total = long
	return p.Use(options, list)[0]
}

// Shows RFC 1035 7.3a.
// Shows RFC 5452 9.1a, 9.1b.
func TestForgeriesAreIgnored(t *testing.T) {
	forgeries := map[string]func(*dns.Msg){
		"another ID":    func(m *dns.Msg) { m.Id++ },
		"another name":  func(m *dns.Msg) { m.Question[0].Name = "evil.example." },
		"another type":  func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA },
		"another class": func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
		"no question":   func(m *dns.Msg) { m.Question = nil },
		"two questions": func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) },
		"a query":       func(m *dns.Msg) { m.Response = false },
		"an update":     func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate },
	}
	for name, forge := range forgeries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := func(w dns.ResponseWriter, q *dns.Msg) {
				forged := reply(q, "192.0.2.66")
				forge(forged)
				_ = w.WriteMsg(forged)
				garbage, _ := forged.Pack()
				_, _ = w.Write(garbage[:headerLen+3])
				_, _ = w.Write([]byte("?"))
				_ = w.WriteMsg(reply(q, "192.0.2.1"))
			}
			server := serve(t, s, s)
			for _, transport := range []Transport{UDP, TCP} {
				p := New(Config{})
				g := p.Use(Options{}, []Server{{Transport: transport, Addr: server.addr}})[0]
				if got, _ := ask(t, g); firstA(got.Msg) != "192.0.2.1" {
					t.Errorf("over %v: got %q", transport, firstA(got.Msg))
				}
			}
		})
	}
}

// Another socket than the one that was queried answers, with the right ID.
// Shows RFC 5452 9.1a.
func TestReplyFromAnotherPortIsIgnored(t *testing.T) {
	other, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		forged, _ := reply(q, "192.0.2.66").Pack()
		_, _ = other.WriteTo(forged, w.RemoteAddr())
		_ = w.WriteMsg(reply(q, "192.0.2.1"))
	}, nil)
	if got, _ := ask(t, grouped(server.addr)); firstA(got.Msg) != "192.0.2.1" {
		t.Errorf("got %q", firstA(got.Msg))
	}
}

// The kernel chooses the ports at random, as long as they are not ours to choose.
// Shows RFC 5452 9.2b.
// Shows RFC 5625 6.1.
func TestEachQueryHasAPortOfItsOwn(t *testing.T) {
	const queries = 20
	var mu sync.Mutex
	ports := map[string]bool{}
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		mu.Lock()
		ports[w.RemoteAddr().String()] = true
		mu.Unlock()
		_ = w.WriteMsg(reply(q, "192.0.2.1"))
	}, nil)
	g := grouped(server.addr)
	for range queries {
		ask(t, g)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(ports) < queries/2 { // a few may be equal by chance
		t.Errorf("%d queries came from %d ports", queries, len(ports))
	}
}

// Shows RFC 1123 6.1.3.2b.
// Shows RFC 2181 9b.
// Shows RFC 5452 9.3.
// Shows RFC 5625 4.4.1.
// Shows RFC 7766 5b.
// Shows RFC 9210 3.
func TestWhatUDPCannotCarryGoesOverTCP(t *testing.T) {
	cut := func(w dns.ResponseWriter, q *dns.Msg) {
		m := reply(q, "192.0.2.66")
		m.Truncated = true
		wire, _ := m.Pack()
		_, _ = w.Write(wire[:len(wire)-2]) // within a record, as some do
	}
	flood := func(w dns.ResponseWriter, q *dns.Msg) {
		m := reply(q, "192.0.2.66")
		m.Question[0].Name = "evil.example."
		for range 100 {
			_ = w.WriteMsg(m)
		}
	}
	lower := func(w dns.ResponseWriter, q *dns.Msg) {
		q.Question[0].Name = strings.ToLower(q.Question[0].Name)
		_ = w.WriteMsg(reply(q, "192.0.2.66"))
	}
	for name, udp := range map[string]script{"truncated": cut, "a flood of forgeries": flood, "other case": lower} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, udp, answering("192.0.2.1"))
			q := query(strings.Repeat("abcdefgh.", 20))
			got, err := groupedWith(Config{}, Options{RandomizeCase: true}, server.addr).Exchange(t.Context(), q)
			if err != nil || firstA(got.Msg) != "192.0.2.1" {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

// Shows RFC 5452 9.1c.
func TestRandomizeCase(t *testing.T) {
	var seen atomic.Pointer[string]
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		seen.Store(&q.Question[0].Name)
		_ = w.WriteMsg(reply(q, "192.0.2.1"))
	}, nil)
	name := strings.Repeat("abcDEfgh.", 20)
	got, err := groupedWith(Config{}, Options{RandomizeCase: true}, server.addr).Exchange(t.Context(), query(name))
	if err != nil {
		t.Fatal(err)
	}
	if sent := *seen.Load(); sent == name || !strings.EqualFold(sent, name) {
		t.Errorf("sent as %s", sent)
	}
	if got.Msg.Question[0].Name != name || got.Msg.Answer[0].Header().Name != name {
		t.Errorf("the client sees %v", got.Msg)
	}
}

// Shows RFC 1034 5.3.3c.
// Shows RFC 1035 7.3b.
// Shows RFC 1123 6.1.3.1a.
// Shows RFC 2308 2.2b.
func TestFailover(t *testing.T) {
	good := serve(t, answering("192.0.2.1"), nil)
	garbled := func(w dns.ResponseWriter, q *dns.Msg) {
		wire, _ := reply(q, "192.0.2.66").Pack()
		_, _ = w.Write(wire[:len(wire)-2])
	}
	cut := func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Truncated = true
		_ = w.WriteMsg(m)
	}
	hangUp := func(w dns.ResponseWriter, _ *dns.Msg) { _ = w.Close() }
	for name, bad := range map[string]netip.AddrPort{
		"silence":        serve(t, nil, nil).addr,
		"SERVFAIL":       serve(t, failing(dns.RcodeServerFailure), nil).addr,
		"REFUSED":        serve(t, failing(dns.RcodeRefused), nil).addr,
		"NOTIMP":         serve(t, failing(dns.RcodeNotImplemented), nil).addr,
		"cannot be read": serve(t, garbled, nil).addr,
		"FORMERR":        serve(t, failing(dns.RcodeFormatError), nil).addr,
		"NOTAUTH":        serve(t, failing(dns.RcodeNotAuth), nil).addr,
		"unknown code":   serve(t, failing(12), nil).addr,
		"YXDOMAIN":       serve(t, failing(dns.RcodeYXDomain), nil).addr,
		"unreachable":    unreachable(t),
		"lame":           serve(t, failing(dns.RcodeSuccess), nil).addr,
		"a referral": serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			m.Ns = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeNS, Class: dns.ClassINET}, Ns: "ns.example."}}
			_ = w.WriteMsg(m)
		}, nil).addr,
		"a header only": serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			m.Question, m.RecursionAvailable = nil, true
			_ = w.WriteMsg(m)
		}, nil).addr,
		"hangs up over TCP":  serve(t, cut, hangUp).addr,
		"truncated over TCP": serve(t, cut, cut).addr,
		"REFUSED as header only": serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetRcode(q, dns.RcodeRefused)
			m.Question = nil
			_ = w.WriteMsg(m)
		}, nil).addr,
	} {
		t.Run(name, func(t *testing.T) {
			if got, _ := ask(t, grouped(bad, good.addr)); firstA(got.Msg) != "192.0.2.1" || got.Server.Addr != good.addr {
				t.Errorf("got %q from %v", firstA(got.Msg), got.Server)
			}
		})
	}
}

func TestFinalAnswers(t *testing.T) {
	never := serve(t, answering("192.0.2.66"), nil)
	for name, tt := range map[string]struct {
		rcode  int
		change func(*dns.Msg)
	}{
		"NODATA of a resolver":    {dns.RcodeSuccess, func(m *dns.Msg) { m.RecursionAvailable = true }},
		"NODATA of an authority":  {dns.RcodeSuccess, func(m *dns.Msg) { m.Authoritative = true }},
		"NXDOMAIN without either": {dns.RcodeNameError, func(*dns.Msg) {}},
		"YXDOMAIN with a DNAME": {dns.RcodeYXDomain, func(m *dns.Msg) {
			m.Answer = []dns.RR{&dns.DNAME{Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeDNAME, Class: dns.ClassINET}, Target: "test."}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
				m := new(dns.Msg).SetRcode(q, tt.rcode)
				tt.change(m)
				_ = w.WriteMsg(m)
			}, nil)
			if got, _ := ask(t, grouped(server.addr, never.addr)); got.Msg.Rcode != tt.rcode || got.Server.Addr != server.addr {
				t.Errorf("got %v", got.Msg)
			}
		})
	}
}

func TestRepliesAreLeftAlone(t *testing.T) {
	records := []string{
		"www.example. 4294967295 IN A 192.0.2.1",
		"www.example. 2147483648 IN TYPE65400 \\# 3 010203",
		"www.example. 0 IN A 192.0.2.2",
	}
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.AuthenticatedData, m.CheckingDisabled = true, true
		for _, record := range records {
			rr, _ := dns.NewRR(record)
			m.Answer = append(m.Answer, rr)
		}
		m.SetEdns0(payload, true)
		m.IsEdns0().Option = []dns.EDNS0{
			&dns.EDNS0_LOCAL{Code: 65123, Data: []byte("?")},
			&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeForgedAnswer},
		}
		_ = w.WriteMsg(m)
	}, nil)
	q := query("www.example.")
	q.Question[0].Qtype = 65400
	got, err := grouped(server.addr).Exchange(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	for i, rr := range got.Msg.Answer {
		if want, _ := dns.NewRR(records[i]); rr.String() != want.String() {
			t.Errorf("%v became %v", want, rr)
		}
	}
	if m := got.Msg; !m.AuthenticatedData || !m.CheckingDisabled || len(m.IsEdns0().Option) != 2 || m.Id != q.Id || m.Question[0] != q.Question[0] {
		t.Errorf("got %v", m)
	}
}

// Shows RFC 1123 6.1.3.2b.
func TestLargestReply(t *testing.T) {
	large := func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		for m.Len() < 65200 {
			m.Answer = append(m.Answer, &dns.TXT{
				Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeTXT, Class: dns.ClassINET},
				Txt: []string{strings.Repeat("x", 255)},
			})
		}
		_ = w.WriteMsg(m)
	}
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Truncated = true
		_ = w.WriteMsg(m)
	}, large)
	if got, _ := ask(t, grouped(server.addr)); len(got.Msg.Answer) < 200 {
		t.Errorf("%d records", len(got.Msg.Answer))
	}
}

// Shows RFC 8914 4.23, 4.24.
func TestFailures(t *testing.T) {
	silent, dead := serve(t, nil, nil), unreachable(t)
	tests := map[string]struct {
		servers []netip.AddrPort
		code    uint16
		text    string
	}{
		"by silence":     {[]netip.AddrPort{silent.addr}, dns.ExtendedErrorCodeNoReachableAuthority, "no answer in time"},
		"by the network": {[]netip.AddrPort{dead}, dns.ExtendedErrorCodeNetworkError, "connection refused"},
		"by both":        {[]netip.AddrPort{dead, silent.addr}, dns.ExtendedErrorCodeNoReachableAuthority, "; "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g := grouped(tt.servers...)
			g.pool.total = 100 * time.Millisecond
			_, err := g.Exchange(t.Context(), query("www.example."))
			var failure *Failure
			if !errors.As(err, &failure) || failure.Code() != tt.code || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v", err)
			}
		})
	}
	two := query("www.example.")
	two.Question = append(two.Question, two.Question[0])
	if _, err := grouped(silent.addr).Exchange(t.Context(), two); err == nil {
		t.Error("two questions are one too many")
	}
}

// A listener on all addresses is detected only when it is connected to.
func TestOwnListenerIsNotAsked(t *testing.T) {
	s := serve(t, answering("192.0.2.1"), answering("192.0.2.1"))
	own := netip.AddrPortFrom(netip.IPv4Unspecified(), s.addr.Port())
	p := New(Config{})
	servers := []Server{{Addr: s.addr}, {Transport: TCP, Addr: s.addr}, {Transport: TLS, Addr: s.addr}, {Transport: HTTPS, Addr: s.addr, Path: "/"}}
	for _, server := range servers {
		g := p.Use(Options{}, []Server{server})[0]
		p.config.Own = func() []netip.AddrPort { return []netip.AddrPort{own} }
		if _, err := g.Exchange(t.Context(), query("www.example.")); !errors.Is(err, errOwn) {
			t.Errorf("%v: error %v", server, err)
		}
		p.config.Own = nil
	}
	if n := s.asked.Load(); n != 0 {
		t.Errorf("it was asked %d times", n)
	}
}

// Through a relay that loses one packet in twenty, and reorders others, every
// query is answered.
// Shows RFC 1035 4.2.1.
func TestLossyPath(t *testing.T) {
	server := serve(t, answering("192.0.2.1"), answering("192.0.2.1"))
	g := grouped(relay(t, server.addr, 20), relay(t, server.addr, 20))
	defer run(t, g.pool)()
	failed := make(chan error, 10)
	for i := range cap(failed) {
		go func() {
			var err error
			for j := range 20 {
				_, exchangeErr := g.Exchange(t.Context(), query(fmt.Sprintf("%d.%d.example.", i, j)))
				err = errors.Join(err, exchangeErr)
			}
			failed <- err
		}()
	}
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

// relay passes packets on to a server and back, but for one in so many.
func relay(t testing.TB, server netip.AddrPort, loses int) netip.AddrPort {
	t.Helper()
	front, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var packets atomic.Int64
	lose := func() bool { return packets.Add(1)%int64(loses) == 0 }
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 4096)
		for {
			n, client, err := front.ReadFrom(buffer)
			if err != nil {
				return
			}
			if lose() {
				continue
			}
			back, err := net.Dial("udp4", server.String())
			if err != nil {
				return
			}
			_, _ = back.Write(buffer[:n])
			_ = back.SetReadDeadline(time.Now().Add(long))
			answer := make([]byte, 4096)
			if n, err := back.Read(answer); err == nil && !lose() {
				_, _ = front.WriteTo(answer[:n], client)
			}
			_ = back.Close()
		}
	}()
	t.Cleanup(func() {
		_ = front.Close()
		<-done
	})
	return front.LocalAddr().(*net.UDPAddr).AddrPort()
}

func BenchmarkExchange(b *testing.B) {
	server := serve(b, answering("192.0.2.1"), answering("192.0.2.1"))
	for _, transport := range []Transport{UDP, TCP} {
		b.Run(transport.String(), func(b *testing.B) {
			p := New(Config{})
			g := p.Use(Options{}, []Server{{Transport: transport, Addr: server.addr}})[0]
			defer run(b, p)()
			b.ReportAllocs()
			for b.Loop() {
				ask(b, g)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	server, dead := serve(t, answering("192.0.2.1"), nil), unreachable(t)
	g := grouped(dead, server.addr)
	ask(t, g)
	all := g.pool.Status()
	i := slices.IndexFunc(all, func(s Status) bool { return s.Addr == server.addr })
	j := slices.IndexFunc(all, func(s Status) bool { return s.Addr == dead })
	if len(all) != 2 || i < 0 || j < 0 {
		t.Fatalf("%+v", all)
	}
	good, bad := all[i], all[j]
	if good.State != Good || good.RTT <= 0 || good.Counts.Replies != 1 || good.Counts.Latency.Sum != time.Duration(good.RTT) || !good.EDNS || good.Reason != "" || good.InFlight != 0 {
		t.Errorf("%+v", good)
	}
	if bad.State != Doubtful || !strings.Contains(bad.Reason, "refused") || bad.Counts.Failures != 1 {
		t.Errorf("%+v", bad)
	}
	var n uint64
	for _, count := range good.Counts.Latency.Counts {
		n += count
	}
	if n != 1 || len(Latency{}.Bounds()) != len(good.Counts.Latency.Counts)-1 {
		t.Errorf("histogram %+v", good.Counts.Latency)
	}
}
