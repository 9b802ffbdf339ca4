package resolver

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Shows RFC 1034 4.3.1a.
// Shows RFC 1035 4.1.1b, 4.1.1c.
// Shows RFC 1123 6.1.2.3.
// Shows RFC 4035 3.2.2a.
// Shows RFC 6891 6.1.1c, 7a.
// Shows RFC 8914 3c.
func TestForwardedAnswer(t *testing.T) {
	up := fakeUpstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Authoritative, m.AuthenticatedData, m.Zero = true, true, true
		for _, text := range []string{"www.example.org. 77 IN A 192.0.2.1", `www.example.org. 77 IN TYPE65400 \# 3 010203`} {
			rr, _ := dns.NewRR(text)
			m.Answer = append(m.Answer, rr)
		}
		m.SetEdns0(4096, true)
		m.IsEdns0().Option = []dns.EDNS0{
			&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "00112233445566778899aabbccddeeff"},
			&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeStaleAnswer, ExtraText: "theirs"},
		}
		_ = w.WriteMsg(m)
	})
	s := start(t, newServer(t, settings(up)))
	want := []string{"wwW.example.org. 77 IN A 192.0.2.1", `wwW.example.org. 77 CLASS1 TYPE65400 \# 3 010203`}
	for _, network := range []string{"udp", "tcp"} {
		q := withEDNS(query("wwW.example.org", dns.TypeA), 1232)
		q.CheckingDisabled = true
		m := dial(t, s, network).exchange(q)
		if !slices.Equal(texts(m.Answer), want) || m.Question[0].Name != "wwW.example.org." {
			t.Errorf("over %s: got\n%v", network, m)
		}
		if m.Authoritative || m.AuthenticatedData || m.Zero || !m.RecursionAvailable || !m.CheckingDisabled {
			t.Errorf("over %s: flags of\n%v", network, m)
		}
		if opt := m.IsEdns0(); opt == nil || opt.UDPSize() != wire.UDPLimit || opt.Do() || len(opt.Option) != 1 || ede(m) != int(dns.ExtendedErrorCodeStaleAnswer) {
			t.Errorf("over %s: OPT %v; want the upstream's extended error only", network, opt)
		}
	}
	if n := s.Stats().InFlight; n != 0 {
		t.Errorf("%d queries are counted as in flight, and all are answered", n)
	}
	if m := dial(t, s, "udp").exchange(query("www.example.org", dns.TypeA)); len(m.Extra) != 0 {
		t.Errorf("a client without EDNS got %v", m.Extra)
	}
}

// Shows RFC 1035 2.3.4c, 4.1.1h.
// Shows RFC 2181 5.1.
// Shows RFC 5625 4.4, 4.4.2.
// Shows RFC 6891 6.2.3, 6.2.5a, 6.2.6.
func TestTruncation(t *testing.T) {
	records := func(n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("big.example.org. 60 IN TXT %d%s", i, strings.Repeat("x", 98)))
		}
		return all
	}
	// One record takes 112 octets: 5 of them exceed 512, 11 exceed 1232.
	five, eleven := fakeUpstream(t, answering(records(5)...)), fakeUpstream(t, answering(records(11)...))
	tests := map[string]struct {
		upstream  netip.AddrPort
		network   string
		size      uint16 // 0: no EDNS
		limit     int
		truncated bool
		records   int // all of them, unless truncated
	}{
		"no EDNS":         {five, "udp", 0, 512, true, 0},
		"less than 512":   {five, "udp", 100, 512, true, 0},
		"1232, fits":      {five, "udp", 1232, 1232, false, 5},
		"1232, too much":  {eleven, "udp", 1232, 1232, true, 0},
		"more than 1232":  {eleven, "udp", 65535, 1232, true, 0},
		"TCP":             {eleven, "tcp", 1232, 65535, false, 11},
		"TCP and no EDNS": {eleven, "tcp", 0, 65535, false, 11},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, newServer(t, settings(tt.upstream)))
			q := query("big.example.org", dns.TypeTXT)
			if tt.size > 0 {
				withEDNS(q, tt.size)
			}
			c := dial(t, s, tt.network)
			c.send(packed(t, q))
			b := c.receive()
			m := new(dns.Msg)
			if err := m.Unpack(b); err != nil {
				t.Fatal(err)
			}
			if len(b) > tt.limit || m.Truncated != tt.truncated || !tt.truncated && len(m.Answer) != tt.records || (m.IsEdns0() != nil) != (tt.size > 0) {
				t.Errorf("%d octets of %d, TC %t, %d records", len(b), tt.limit, m.Truncated, len(m.Answer))
			}
		})
	}
}

// Shows RFC 2181 9a.
func TestMissingAdditionalRecordsAreNoTruncation(t *testing.T) {
	up := fakeUpstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		answer, _ := dns.NewRR("www.example.org. 60 IN A 192.0.2.1")
		extra, _ := dns.NewRR("ns.example.org. 60 IN TXT " + strings.Repeat(strings.Repeat("x", 200)+" ", 3))
		m.Answer, m.Extra = []dns.RR{answer}, []dns.RR{extra}
		_ = w.WriteMsg(m)
	})
	s := start(t, newServer(t, settings(up)))
	if m := dial(t, s, "udp").exchange(query("www.example.org", dns.TypeA)); m.Truncated || len(m.Answer) != 1 || len(m.Extra) != 0 {
		t.Errorf("got\n%v", m)
	}
}

// Shows RFC 1035 4.2.2b.
// Shows RFC 7766 7a.
func TestSlowUpstreamHoldsUpNothing(t *testing.T) {
	release := make(chan struct{})
	up := fakeUpstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		<-release
		answering("www.example.org. 60 IN A 192.0.2.1")(w, q)
	})
	s := start(t, newServer(t, settings(up)))
	for _, network := range []string{"udp", "tcp"} {
		c := dial(t, s, network)
		slow := query("www.example.org", dns.TypeA)
		c.send(packed(t, slow))
		if m := c.exchange(query(ours, dns.TypeA)); len(m.Answer) != 1 {
			t.Errorf("over %s: got %v", network, m)
		}
		if network == "udp" {
			continue
		}
		close(release)
		m := new(dns.Msg)
		if err := m.Unpack(c.receive()); err != nil || m.Id != slow.Id || len(m.Answer) != 1 {
			t.Errorf("the slow answer is %v, %v", m, err)
		}
	}
}

func TestQueriesInFlightAreBounded(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	arrived := make(chan struct{}, 1)
	up := fakeUpstream(t, func(dns.ResponseWriter, *dns.Msg) {
		select {
		case arrived <- struct{}{}:
		default: // it is sent again, as long as it is unanswered
		}
		<-release
	})
	s := newServer(t, settings(up))
	s.forward.InFlight = make(chan struct{}, 1)
	start(t, s)
	c := dial(t, s, "udp")
	c.send(packed(t, query("one.example.org", dns.TypeA)))
	<-arrived
	m := c.exchange(withEDNS(query("two.example.org", dns.TypeA), 1232))
	if m.Rcode != dns.RcodeServerFailure || ede(m) != int(dns.ExtendedErrorCodeNetworkError) {
		t.Errorf("got\n%v", m)
	}
	if stats := s.Stats(); stats.Overloads != 1 || stats.InFlight != 1 {
		t.Errorf("stats %+v", stats)
	}
}

func TestBusyClientIsNotMadeToWait(t *testing.T) {
	s := newServer(t, settings(netip.MustParseAddrPort("127.0.0.1:9")))
	busy := listen.Client{Addr: netip.MustParseAddrPort("127.0.0.1:1234"), TCP: true, Busy: true}
	reply, wait := s.Handle(packed(t, query("www.example.org", dns.TypeA)), busy, nil)
	m := new(dns.Msg)
	if err := m.Unpack(reply); err != nil || wait != nil || m.Rcode != dns.RcodeServerFailure {
		t.Errorf("got %v, %v", m, err)
	}
}

// unused is a port of loopback without a listener.
func unused(t *testing.T) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() // that is the point
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// Shows RFC 1035 4.1.1g.
// Shows RFC 1123 6.1.3.1b, 6.1.3.3b.
// Shows RFC 8914 3b, 4.23, 4.24.
func TestAllUpstreamsFail(t *testing.T) {
	dead := unused(t)
	bogus := fakeUpstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSBogus, ExtraText: strings.Repeat("x", 2000)}}
		_ = w.WriteMsg(m)
	})
	failing := fakeUpstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeServerFailure))
	})
	tests := map[string]struct {
		upstreams []netip.AddrPort
		codes     []uint16
		text      string
		long      bool // the text, for 512 octets with a long name
		failures  uint64
	}{
		"network":    {[]netip.AddrPort{dead}, []uint16{dns.ExtendedErrorCodeNetworkError}, "connection refused", false, 2},
		"validation": {[]netip.AddrPort{bogus, bogus}, []uint16{dns.ExtendedErrorCodeDNSBogus}, "xxx", true, 0},
		"no reason":  {[]netip.AddrPort{failing}, []uint16{dns.ExtendedErrorCodeNoReachableAuthority}, "SERVFAIL", false, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, newServer(t, settings(tt.upstreams...)))
			m := dial(t, s, "udp").exchange(withEDNS(query("www.example.org", dns.TypeA), 1232))
			var codes []uint16
			for _, o := range m.IsEdns0().Option {
				codes = append(codes, o.(*dns.EDNS0_EDE).InfoCode)
			}
			first := m.IsEdns0().Option[0].(*dns.EDNS0_EDE)
			if m.Rcode != dns.RcodeServerFailure || !slices.Equal(codes, tt.codes) || !strings.Contains(first.ExtraText, tt.text) {
				t.Errorf("got\n%v", m)
			}
			// With little room the codes stay and the texts go.
			long := strings.Repeat(strings.Repeat("x", 60)+".", 4)
			m = dial(t, s, "udp").exchange(withEDNS(query(long, dns.TypeA), 512))
			if m.Truncated || ede(m) != int(tt.codes[0]) || (m.IsEdns0().Option[0].(*dns.EDNS0_EDE).ExtraText == "") != tt.long {
				t.Errorf("with 512 octets:\n%v", m)
			}
			if got := s.Stats().ForwardFailures; got != tt.failures {
				t.Errorf("%d failures counted, want %d", got, tt.failures)
			}
		})
	}
}

// Only upstreams on private addresses are asked for private reverse names.
// Shows RFC 6303 4.1.
// Shows RFC 6761 6.1.
func TestPrivateReverseNames(t *testing.T) {
	up := fakeUpstream(t, answering("99.0.0.10.in-addr.arpa. 60 IN PTR printer.corp.example."))
	// The first would never answer: the whole question must pass it by.
	public := netip.MustParseAddrPort("192.0.2.1:53")
	s := newServer(t, settings(public, up))
	m, _ := resolve(t.Context(), s, "99.0.0.10.in-addr.arpa", dns.TypePTR)
	if want := []string{"99.0.0.10.in-addr.arpa. 60 IN PTR printer.corp.example."}; !slices.Equal(texts(m.Answer), want) {
		t.Errorf("got\n%v", m)
	}
}

func TestAnswerThatCannotBeEncoded(t *testing.T) {
	s := newServer(t, settings())
	r, err := wire.Parse(packed(t, withEDNS(query("www.example.org", dns.TypeTXT), 1232)), wire.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	odd := new(dns.Msg)
	odd.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: "a..b.", Rrtype: dns.TypeTXT, Class: dns.ClassINET}}}
	m := new(dns.Msg)
	err = m.Unpack(s.pack(r, s.replies.Rewrite(r, false, new(decision.Verdict), odd), &decision.Verdict{Source: decision.SourceUpstream}, nil))
	if err != nil || m.Id != r.Msg.Id || m.Rcode != dns.RcodeServerFailure || ede(m) != int(dns.ExtendedErrorCodeInvalidData) {
		t.Errorf("got %v, %v", m, err)
	}
	if got := s.Stats().Replies; len(got) != 1 || got[0].Rcode != "SERVFAIL" {
		t.Errorf("counted %v", got)
	}
}

// Shows RFC 4035 3.2.3, 4.9.3.
func TestTrustedAD(t *testing.T) {
	up := fakeUpstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.AuthenticatedData = q.AuthenticatedData
		_ = w.WriteMsg(m)
	})
	tests := map[string]struct{ trust, ad, do, want bool }{
		"not trusted":          {false, true, true, false},
		"trusted, and AD":      {true, true, false, true},
		"trusted, and DO":      {true, false, true, true},
		"trusted, not wanted":  {true, false, false, false},
		"not trusted, no bits": {false, false, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set := settings(up)
			set.Upstreams.TrustAD = tt.trust
			q := query("www.example.org", dns.TypeA)
			q.AuthenticatedData = tt.ad
			q.SetEdns0(1232, tt.do)
			if m := dial(t, start(t, newServer(t, set)), "udp").exchange(q); m.AuthenticatedData != tt.want {
				t.Errorf("AD is %t", m.AuthenticatedData)
			}
		})
	}
}

// Shows RFC 4343 2.1.
// Shows RFC 8375 4b.
// Shows RFC 8914 4.16.
func TestRebindProtection(t *testing.T) {
	up := fakeUpstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		addr := "10.0.0.99"
		if strings.HasPrefix(q.Question[0].Name, "public.") {
			addr = "198.51.100.1"
		}
		answering(q.Question[0].Name+" 60 IN A "+addr)(w, q)
	})
	tests := map[string]struct {
		name    string
		on      bool
		answers int
		ede     int
	}{
		"off":                     {"evil.example.org", false, 1, -1},
		"on":                      {"evil.example.org", true, 0, int(dns.ExtendedErrorCodeBlocked)},
		"a public address":        {"public.example.org", true, 1, -1},
		"the site's own":          {"printer.home.arpa", true, 1, -1},
		"an exception":            {"corp.example", true, 1, -1},
		"below an exception":      {"a.B.Corp.Example", true, 1, -1},
		"ends like an exception":  {"evilcorp.example", true, 0, int(dns.ExtendedErrorCodeBlocked)},
		"a dot that is no border": {`evil\.corp.example`, true, 0, int(dns.ExtendedErrorCodeBlocked)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set := settings(up)
			set.Upstreams.RebindProtection = tt.on
			set.Upstreams.RebindAllow = []string{"corp.example."}
			set.Cache.Size = 1 << 20
			s := start(t, newServer(t, set))
			c := dial(t, s, "udp")
			m := c.exchange(withEDNS(query(tt.name, dns.TypeA), 1232))
			if again := c.exchange(query(tt.name, dns.TypeA)); len(again.Answer) != tt.answers {
				t.Errorf("asked again: got\n%v", again)
			}
			if text := "upstream.rebind_allow"; tt.ede >= 0 && !strings.Contains(m.String(), text) {
				t.Errorf("%q is not named in\n%v", text, m)
			}
			if m.Rcode != dns.RcodeSuccess || len(m.Answer) != tt.answers || ede(m) != tt.ede {
				t.Errorf("got\n%v", m)
			}
		})
	}
}

// A public name must not lead to a node or to this machine, whatever their
// addresses; but NAT64 is found by what no host has.
// Shows RFC 7050 8.2.
func TestRebindProtectionOfWhatIsOurs(t *testing.T) {
	for name, tt := range map[string]struct {
		qtype   uint16
		data    string
		answers int
	}{
		"a node":           {dns.TypeAAAA, "2001:db9::a", 0},
		"nobody":           {dns.TypeAAAA, "2001:db9::ffff", 1},
		"a node, tunneled": {dns.TypeAAAA, "2600::200:5efe:10.0.0.10", 0},
		"ipv4only.arpa":    {dns.TypeA, "192.0.0.170", 1},
	} {
		t.Run(name, func(t *testing.T) {
			u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
				answering(q.Question[0].Name+" 60 IN "+dns.Type(tt.qtype).String()+" "+tt.data)(w, q)
			})
			c := newCaching(t, u, func(c *Config) { c.Settings.Upstreams.RebindProtection = true })
			start(t, c.Server)
			for range 2 { // the second from the cache, if it is kept
				if m := dial(t, c.Server, "udp").exchange(query(asked, tt.qtype)); len(m.Answer) != tt.answers {
					t.Errorf("got\n%v", m)
				}
			}
		})
	}
}

func TestInterfaces(t *testing.T) {
	i := interfaces{list: net.InterfaceAddrs}
	if !i.have(netip.MustParseAddr("127.0.0.1"), 0) || i.have(netip.MustParseAddr("203.0.113.77"), 0) {
		t.Errorf("got %v", i.addrs)
	}
	i.addrs = map[netip.Addr]bool{netip.MustParseAddr("203.0.113.77"): true}
	if !i.have(netip.MustParseAddr("203.0.113.77"), interfacesFor-1) || i.have(netip.MustParseAddr("203.0.113.77"), interfacesFor) {
		t.Error("they are not read each second")
	}
}

// A reply with thousands of addresses must not ask the kernel for each of them, be
// it that it never answers.
func TestInterfacesThatCannotBeRead(t *testing.T) {
	reads := 0
	i := interfaces{list: func() ([]net.Addr, error) {
		reads++
		return nil, errors.ErrUnsupported
	}}
	for range 1000 {
		if i.have(netip.MustParseAddr("203.0.113.77"), 0) {
			t.Fatal("an address that is not known")
		}
	}
	if i.have(netip.MustParseAddr("203.0.113.77"), interfacesFor); reads != 2 {
		t.Errorf("read %d times in two seconds", reads)
	}
}

// Two servers that forward to each other: what comes back is refused at once,
// and the server that sent it is not asked any more.
func TestQueryThatComesBack(t *testing.T) {
	a := newServer(t, settings())
	if err := a.Listen(); err != nil {
		t.Fatal(err)
	}
	b := start(t, newServer(t, settings(a.Addrs()[0])))
	if err := a.Reconfigure(settings(b.Addrs()[0])); err != nil {
		t.Fatal(err)
	}
	start(t, a)
	m := dial(t, a, "udp").exchange(withEDNS(query("www.example.org", dns.TypeA), 1232))
	if m.Rcode != dns.RcodeRefused && m.Rcode != dns.RcodeServerFailure || ede(m) < 0 {
		t.Errorf("got\n%v", m)
	}
	looping := func(s *Server) bool {
		return s.UpstreamStatus()[0].State == upstream.Looping
	}
	if !looping(a) && !looping(b) {
		t.Errorf("%+v and %+v", a.UpstreamStatus(), b.UpstreamStatus())
	}
}

func TestPoolIsBusy(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	up := fakeUpstream(t, func(dns.ResponseWriter, *dns.Msg) { <-release })
	s := newServer(t, settings(up))
	s.pool = upstream.New(upstream.Config{InFlight: 1})
	s.mu.Lock()
	s.rebuild()
	s.mu.Unlock()
	start(t, s)
	c := dial(t, s, "udp")
	c.send(packed(t, query("one.example.org", dns.TypeA)))
	c.send(packed(t, query("two.example.org", dns.TypeA)))
	m := new(dns.Msg) // to one of the two, whichever came second
	if err := m.Unpack(c.receive()); err != nil || m.Rcode != dns.RcodeServerFailure || s.Stats().Overloads != 1 {
		t.Errorf("got %v, %v", m, err)
	}
}

func TestChangedNetworkForgetsWhatWasLearnt(t *testing.T) {
	up := fakeUpstream(t, answering("www.example.org. 60 IN A 192.0.2.1"))
	s := newServer(t, settings(up))
	if got := rcodeOf(t, s, "www.example.org", dns.TypeA); got != "NOERROR" || s.UpstreamStatus()[0].RTT == 0 {
		t.Fatalf("%s, %+v", got, s.UpstreamStatus())
	}
	s.NetworkChanged()
	if got := s.UpstreamStatus()[0].RTT; got != 0 {
		t.Errorf("a time of %v is still known", got)
	}
}
