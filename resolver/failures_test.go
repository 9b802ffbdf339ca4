package resolver

import (
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit/nameserver"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// rejecting answers every query with a code.
func rejecting(rcode int) func(dns.ResponseWriter, *dns.Msg) {
	return func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(new(dns.Msg).SetRcode(q, rcode)) }
}

// garbling answers with what cannot be read.
func garbling(w dns.ResponseWriter, q *dns.Msg) {
	reply, err := new(dns.Msg).SetReply(q).Pack()
	if err != nil {
		panic(err)
	}
	reply[7] = 1 // an answer, which is not there
	_, _ = w.Write(append(reply, 0xc0))
}

// bare answers with a header only.
func bare(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetRcode(q, dns.RcodeFormatError)
	m.Question = nil
	_ = w.WriteMsg(m)
}

// lame refers to other servers, and is none that could ask them.
func lame(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetReply(q)
	rr, err := dns.NewRR("example.org. 60 IN NS ns.example.org.")
	if err != nil {
		panic(err)
	}
	m.Ns = []dns.RR{rr}
	_ = w.WriteMsg(m)
}

// Whatever its code, a failure costs the upstreams one exchange for each time
// that it is kept (RFC 9520).
// Shows RFC 1123 6.1.3.3c.
// Shows RFC 2308 2.2b.
// Shows RFC 8914 4.14.
// Shows RFC 9520 2.1, 2.2, 2.7, 3.2a, 3.2c.
func TestFailuresAreCached(t *testing.T) {
	for name, tt := range map[string]struct {
		script func(dns.ResponseWriter, *dns.Msg)
		rcode  int
	}{
		"SERVFAIL":       {failing, dns.RcodeServerFailure},
		"REFUSED":        {rejecting(dns.RcodeRefused), dns.RcodeRefused},
		"FORMERR":        {rejecting(dns.RcodeFormatError), dns.RcodeFormatError},
		"NOTIMP":         {rejecting(dns.RcodeNotImplemented), dns.RcodeNotImplemented},
		"NOTAUTH":        {rejecting(dns.RcodeNotAuth), dns.RcodeNotAuth},
		"an unknown one": {rejecting(12), 12},
		"what is no DNS": {garbling, dns.RcodeServerFailure},
		"a header":       {bare, dns.RcodeFormatError},
		"YXDOMAIN":       {rejecting(dns.RcodeYXDomain), dns.RcodeYXDomain},
		"a referral":     {lame, dns.RcodeSuccess},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newScripted(t, tt.script)
			c := newCaching(t, u)
			start(t, c.Server)
			client := dial(t, c.Server, "udp")
			ask := func() *dns.Msg { return client.exchange(withEDNS(query(asked, dns.TypeA), 1232)) }
			exchange := func() (datagrams int32) {
				before := u.asked.Load()
				if m := ask(); m.Rcode != tt.rcode || ede(m) == int(dns.ExtendedErrorCodeCachedError) {
					t.Errorf("at first: got\n%v", m)
				}
				return u.asked.Load() - before
			}
			if n := exchange(); n > 3 {
				t.Errorf("%d queries to the upstream for one", n)
			}
			for _, life := range []time.Duration{time.Second, 2 * time.Second} {
				before := u.asked.Load()
				for range 50 {
					if m := ask(); m.Rcode != tt.rcode || ede(m) != int(dns.ExtendedErrorCodeCachedError) {
						t.Fatalf("then: got\n%v", m)
					}
				}
				u.wasAsked(t, before)
				c.sleep(life)
				exchange()
			}
		})
	}
}

// What an upstream makes of one client's options is not what it makes of another
// client's query.
func TestFailureByOptionsIsNotShared(t *testing.T) {
	u := newScripted(t, rejecting(dns.RcodeFormatError))
	c := newCaching(t, u)
	start(t, c.Server)
	odd := withEDNS(query(asked, dns.TypeA), 1232, local(4321, "?"))
	for range 2 {
		if m := dial(t, c.Server, "udp").exchange(odd); m.Rcode != dns.RcodeFormatError {
			t.Errorf("got\n%v", m)
		}
	}
	u.become(answering(answered60))
	before := u.asked.Load()
	if m := dial(t, c.Server, "udp").exchange(odd); m.Rcode != dns.RcodeFormatError || ede(m) != int(dns.ExtendedErrorCodeCachedError) {
		t.Errorf("the same query: got\n%v", m)
	}
	u.wasAsked(t, before)
	for _, m := range []*dns.Msg{query(asked, dns.TypeA), withEDNS(query(asked, dns.TypeA), 1232, local(4321, "!"))} {
		if m = dial(t, c.Server, "udp").exchange(m); m.Rcode != dns.RcodeSuccess {
			t.Errorf("another query: got\n%v", m)
		}
	}
	c.wants(t, "NOERROR", "cache", -1, 60)
}

// restarting is an upstream that ends and begins again on the same port.
type restarting struct {
	t      *testing.T
	addr   netip.AddrPort
	server *dns.Server
}

// outages numbers the addresses of servers that come and go: on one of its own
// nobody else takes the port meanwhile.
var outages atomic.Uint32

func newRestarting(t *testing.T) *restarting {
	addr := netip.AddrFrom4([4]byte{127, 77, 0, byte(outages.Add(1))})
	packets, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
	if err != nil {
		t.Fatal(err)
	}
	_ = packets.Close()
	return &restarting{t: t, addr: packets.LocalAddr().(*net.UDPAddr).AddrPort()}
}

func (r *restarting) begin(script dns.HandlerFunc) {
	packets, err := net.ListenPacket("udp4", r.addr.String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.server = &dns.Server{PacketConn: packets, Handler: script}
	nameserver.Run(r.t, r.server)
}

func (r *restarting) end() {
	if err := r.server.Shutdown(); err != nil {
		r.t.Fatal(err)
	}
}

// everything answers all names, also those that probes ask for.
func everything(w dns.ResponseWriter, q *dns.Msg) {
	answering(fmt.Sprintf("%s 60 IN A 192.0.2.1", q.Question[0].Name))(w, q)
}

// However long the outage was, and however often it was asked: when the upstream
// is back, so is the name. The clock stands still, so no failure expires.
// Shows RFC 9520 2.3.
func TestFailureEndsWithTheOutage(t *testing.T) {
	for name, queries := range map[string]int{"a short one": 1, "a long one": 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRestarting(t)
			r.begin(everything)
			c := newCaching(t, &scripted{addr: r.addr})
			start(t, c.Server)
			// By the first probe: one still on its way when the outage begins may be
			// taken for the end of it.
			eventually(t, func() bool { return c.UpstreamStatus()[0].State == upstream.Good })
			if got := rcodeOf(t, c.Server, "before.example.org", dns.TypeA); got != "NOERROR" {
				t.Fatal(got)
			}
			r.end()
			c.wants(t, "SERVFAIL", "upstream", 23, 0)
			for range queries {
				c.wants(t, "SERVFAIL", "cache", 13, 0)
				c.sleep(time.Minute)
				c.wants(t, "SERVFAIL", "upstream", 23, 0)
			}
			c.wants(t, "SERVFAIL", "cache", 13, 0)
			if queries > 3 {
				eventually(t, func() bool { return c.UpstreamStatus()[0].State == upstream.Down })
				c.sleep(time.Minute)
				c.wants(t, "SERVFAIL", "upstream", 23, 0)
			}
			r.begin(everything)
			if queries > 3 { // it was known to be down
				c.sleep(time.Second)
				c.wants(t, "NOERROR", "upstream", -1, 60)
			}
			eventually(t, func() bool { return rcodeOf(t, c.Server, asked, dns.TypeA) == "NOERROR" })
		})
	}
}

// While all upstreams are down what is stale is served; when one is back, its
// answer is.
func TestStaleAnswerEndsWithTheOutage(t *testing.T) {
	r := newRestarting(t)
	r.begin(everything)
	c := newCaching(t, &scripted{addr: r.addr})
	start(t, c.Server)
	c.wants(t, "NOERROR", "upstream", -1, 60)
	r.end()
	c.sleep(2 * time.Minute)
	for range 3 {
		c.wants(t, "NOERROR", "cache", 3, 30)
	}
	r.begin(everything)
	eventually(t, func() bool {
		m, l := resolve(t.Context(), c.Server, asked, dns.TypeA)
		return l.Verdict.Source == decision.SourceUpstream && m.Answer[0].Header().Ttl == 60
	})
}

// Each query on its way is a chance for whoever forges a reply (RFC 5452).
// Shows RFC 5452 5.
func TestEqualQueriesWithOptionsAreOne(t *testing.T) {
	release := make(chan struct{})
	u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
		<-release
		answering(answered60)(w, q)
	})
	c := newCaching(t, u)
	start(t, c.Server)
	const all = 400
	var clients []client
	for range all {
		one := dial(t, c.Server, "udp")
		one.send(packed(t, withEDNS(query(asked, dns.TypeA), 1232, local(4321, "?"))))
		clients = append(clients, one)
	}
	eventually(t, func() bool { return c.Stats().Coalesced == all-1 })
	if n := c.Stats().InFlight; n != all {
		t.Errorf("%d clients wait", n)
	}
	close(release)
	for _, one := range clients {
		m := new(dns.Msg)
		if err := m.Unpack(one.receive()); err != nil || len(m.Answer) != 1 {
			t.Errorf("got %v, %v", m, err)
		}
	}
}

// A company's server is listed first, and is slow for once: what the public one
// denies meanwhile holds for seconds at most, and only until the first one's
// answer comes.
func TestLateAnswerReplacesProvisionalOne(t *testing.T) {
	release := make(chan struct{})
	company := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if q.Question[0].Name == asked+"." {
			<-release
		}
		everything(w, q)
	})
	public := newScripted(t, absent)
	c := newCaching(t, company)
	set := cachingSettings(company)
	set.Upstreams.Servers = plain(company.addr, public.addr)
	if err := c.Reconfigure(set); err != nil {
		t.Fatal(err)
	}
	start(t, c.Server)
	c.wants(t, "NXDOMAIN", "upstream", -1, 5)
	c.wants(t, "NXDOMAIN", "cache", -1, 5)
	close(release)
	eventually(t, func() bool { return c.Stats().Cache.Insertions == 2 })
	c.sleep(10 * time.Second)
	c.wants(t, "NOERROR", "cache", -1, 50)
}
