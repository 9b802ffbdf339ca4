package resolver

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
)

const (
	asked      = "www.example.org"
	answered60 = "www.example.org. 60 IN A 192.0.2.1"
	soa60      = "example.org. 60 IN SOA ns.example.org. admin.example.org. 1 2 3 4 60"
)

// scripted is an upstream that counts the queries for names of example.org. It
// may be set to answer in another way.
type scripted struct {
	addr   netip.AddrPort
	asked  atomic.Int32
	script atomic.Pointer[func(dns.ResponseWriter, *dns.Msg)]
}

func newScripted(t *testing.T, script func(dns.ResponseWriter, *dns.Msg)) *scripted {
	u := new(scripted)
	u.script.Store(&script)
	u.addr = fakeUpstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if strings.HasSuffix(strings.ToLower(q.Question[0].Name), "example.org.") {
			u.asked.Add(1)
		}
		(*u.script.Load())(w, q)
	})
	return u
}

func (u *scripted) become(script func(dns.ResponseWriter, *dns.Msg)) { u.script.Store(&script) }

func failing(w dns.ResponseWriter, q *dns.Msg) {
	_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeServerFailure))
}

func absent(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetRcode(q, dns.RcodeNameError)
	soa, _ := dns.NewRR(soa60)
	m.Ns = []dns.RR{soa}
	_ = w.WriteMsg(m)
}

// caching is a server with a cache, and a clock that only a test moves.
type caching struct {
	*Server
	time atomic.Int64
}

func (c *caching) sleep(d time.Duration) { c.time.Add(int64(d)) }

func cachingSettings(u *scripted) Settings {
	set := settings(u.addr)
	set.Cache = Cache{Size: 1 << 20, ServeStale: time.Hour}
	return set
}

func newCaching(t *testing.T, u *scripted, changes ...func(*Config)) *caching {
	t.Helper()
	c := new(caching)
	c.sleep(100 * time.Hour)
	config := Config{
		Zone:     newZone(t).Snapshot,
		Listen:   []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
		Settings: cachingSettings(u),
		Clock:    func() time.Duration { return time.Duration(c.time.Load()) },
	}
	for _, change := range changes {
		change(&config)
	}
	var err error
	if c.Server, err = New(config); err != nil {
		t.Fatal(err)
	}
	return c
}

// wants asks for the address and compares the result.
func (c *caching) wants(t *testing.T, rcode, source string, code int, ttl uint32) {
	t.Helper()
	m, l := resolve(t.Context(), c.Server, asked, dns.TypeA)
	gotCode, gotTTL := -1, uint32(0)
	if len(l.Extended) > 0 {
		gotCode = int(l.Extended[0].InfoCode)
	}
	for _, record := range append(m.Answer, m.Ns...) {
		gotTTL = record.Header().Ttl
	}
	if wire.RcodeName(m.Rcode) != rcode || l.Verdict.Source.String() != source || gotCode != code || gotTTL != ttl {
		t.Errorf("got from %v with %v\n%v\nwant %s from %s, extended error %d, TTL %d", l.Verdict.Source, l.Extended, m, rcode, source, code, ttl)
	}
}

func (u *scripted) wasAsked(t *testing.T, want int32) {
	t.Helper()
	if got := u.asked.Load(); got != want {
		t.Errorf("the upstream was asked %d times, want %d", got, want)
	}
}

// Shows RFC 4343 4.1a.
func TestCachedAnswer(t *testing.T) {
	u := newScripted(t, answering(answered60))
	c := newCaching(t, u)
	start(t, c.Server)
	c.wants(t, "NOERROR", "upstream", -1, 60)
	c.sleep(10 * time.Second)
	c.wants(t, "NOERROR", "cache", -1, 50)
	for _, network := range []string{"udp", "tcp"} {
		m := dial(t, c.Server, network).exchange(withEDNS(query("WWW.example.org", dns.TypeA), 1232))
		if m.Authoritative || len(m.Answer) != 1 || m.Answer[0].Header().Name != "WWW.example.org." || m.IsEdns0() == nil {
			t.Errorf("over %s: got\n%v", network, m)
		}
	}
	u.wasAsked(t, 1)
	c.sleep(2 * time.Hour) // such as in suspend
	c.wants(t, "NOERROR", "upstream", -1, 60)
	if s := c.Stats().Cache; s.Entries != 1 || s.Hits != 3 || s.Misses != 2 {
		t.Errorf("%+v", s)
	}
}

// The first client gets the same answer as later ones, whatever the upstream
// sends.
// Shows RFC 1035 7.3c.
// Shows RFC 1123 6.1.2.1.
// Shows RFC 2181 8b.
// Shows RFC 8767 4a.
func TestTTLsAreCapped(t *testing.T) {
	for name, test := range map[string]struct {
		ttl, want uint32
		cached    string
	}{
		"none":        {0, 0, "upstream"},
		"a week":      {7 * 24 * 3600, 24 * 3600, "cache"},
		"the highest": {1<<31 - 1, 24 * 3600, "cache"},
		"no TTL":      {1 << 31, 0, "upstream"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCaching(t, newScripted(t, answering(fmt.Sprintf("www.example.org. %d IN A 192.0.2.1", test.ttl))))
			start(t, c.Server)
			c.wants(t, "NOERROR", "upstream", -1, test.want)
			c.wants(t, "NOERROR", test.cached, -1, test.want)
		})
	}
}

// A question with other bits is another question.
// Shows RFC 2308 5b.
// Shows RFC 4035 3.2.2b.
func TestCacheIsByQuestion(t *testing.T) {
	u := newScripted(t, answering(answered60))
	c := newCaching(t, u)
	start(t, c.Server)
	plain, do, cd, other := query(asked, dns.TypeA), query(asked, dns.TypeA), query(asked, dns.TypeA), query(asked, dns.TypeMX)
	do.SetEdns0(1232, true)
	cd.CheckingDisabled = true
	for range 2 {
		for _, q := range []*dns.Msg{plain, do, cd, other} {
			if m := dial(t, c.Server, "udp").exchange(q); m.Rcode != dns.RcodeSuccess {
				t.Errorf("got\n%v", m)
			}
		}
	}
	// For the MX there was no SOA, without which a denial is not kept.
	u.wasAsked(t, 5)
}

// What a server sends beside an answer is not asked for, and may be a forgery.
// Shows RFC 2181 5.4.1a.
func TestWhatIsBesideAnAnswerAnswersNothing(t *testing.T) {
	const beside = "ns.example.org"
	u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if q.Question[0].Name == beside+"." {
			answering(beside+". 60 IN A 192.0.2.53")(w, q)
			return
		}
		m := new(dns.Msg).SetReply(q)
		for text, section := range map[string]*[]dns.RR{
			answered60:                              &m.Answer,
			"example.org. 60 IN NS " + beside + ".": &m.Ns,
			beside + ". 60 IN A 6.6.6.6":            &m.Extra,
		} {
			rr, _ := dns.NewRR(text)
			*section = append(*section, rr)
		}
		_ = w.WriteMsg(m)
	})
	c := newCaching(t, u)
	if m, _ := resolve(t.Context(), c.Server, asked, dns.TypeA); len(m.Answer) != 1 || len(m.Ns) != 1 {
		t.Fatalf("got\n%v", m)
	}
	m, _ := resolve(t.Context(), c.Server, beside, dns.TypeA)
	if want := []string{beside + ". 60 IN A 192.0.2.53"}; !slices.Equal(texts(m.Answer), want) {
		t.Errorf("got\n%v", m)
	}
	u.wasAsked(t, 2)
}

// Shows RFC 8767 4b, 4c, 6a, 6b.
// Shows RFC 8914 4.4, 4.20.
func TestStaleAnswer(t *testing.T) {
	silent := func(dns.ResponseWriter, *dns.Msg) {}
	refusing := func(w dns.ResponseWriter, q *dns.Msg) {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeRefused))
	}
	tests := map[string]struct {
		before, after func(dns.ResponseWriter, *dns.Msg)
		rcode         string
		code          int
	}{
		"SERVFAIL":             {answering(answered60), failing, "NOERROR", 3},
		"REFUSED":              {answering(answered60), refusing, "NOERROR", 3},
		"no answer in time":    {answering(answered60), silent, "NOERROR", 3},
		"NXDOMAIN before that": {absent, failing, "NXDOMAIN", 19},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newScripted(t, tt.before)
			c := newCaching(t, u)
			c.forward.Patience = 50 * time.Millisecond
			start(t, c.Server)
			c.wants(t, tt.rcode, "upstream", -1, 60)
			u.become(tt.after)
			c.sleep(10 * time.Minute)
			c.wants(t, tt.rcode, "cache", tt.code, 30)
			u.become(answering("www.example.org. 60 IN A 192.0.2.2"))
			// On a busy machine the failure comes after the stale answer, and a query
			// may be one that waits for it.
			eventually(t, func() bool {
				c.sleep(time.Hour)
				m, l := resolve(t.Context(), c.Server, asked, dns.TypeA)
				return m.Rcode == dns.RcodeSuccess && l.Verdict.Source == decision.SourceUpstream && m.Answer[0].Header().Ttl == 60
			})
		})
	}
}

// A denial is an answer: what it denies is not served any more.
// Shows RFC 8767 6a.
func TestDenialReplacesStaleAnswer(t *testing.T) {
	u := newScripted(t, answering(answered60))
	c := newCaching(t, u)
	start(t, c.Server)
	c.wants(t, "NOERROR", "upstream", -1, 60)
	u.become(absent)
	c.sleep(2 * time.Minute)
	c.wants(t, "NXDOMAIN", "upstream", -1, 60)
	u.become(failing)
	c.sleep(2 * time.Minute)
	c.wants(t, "NXDOMAIN", "cache", 19, 30)
}

// After a failure the upstreams are not asked for a while.
// Shows RFC 8767 5c.
func TestStaleAnswerAtOnce(t *testing.T) {
	u := newScripted(t, answering(answered60))
	c := newCaching(t, u)
	start(t, c.Server)
	c.wants(t, "NOERROR", "upstream", -1, 60)
	u.become(failing)
	c.sleep(2 * time.Minute)
	c.wants(t, "NOERROR", "cache", 3, 30)
	before := u.asked.Load()
	c.wants(t, "NOERROR", "cache", 3, 30)
	u.wasAsked(t, before)
}

// After a client got a stale answer, the exchange runs to its end.
// Shows RFC 8767 5b.
func TestLateAnswerReplacesStaleOne(t *testing.T) {
	u := newScripted(t, answering(answered60))
	c := newCaching(t, u)
	c.forward.Patience = time.Millisecond
	start(t, c.Server)
	c.wants(t, "NOERROR", "upstream", -1, 60)
	release := make(chan struct{})
	u.become(func(w dns.ResponseWriter, q *dns.Msg) {
		<-release
		answering("www.example.org. 90 IN A 192.0.2.2")(w, q)
	})
	c.sleep(2 * time.Minute)
	c.wants(t, "NOERROR", "cache", 3, 30)
	close(release)
	eventually(t, func() bool { return c.Stats().Cache.Insertions == 2 })
	c.wants(t, "NOERROR", "cache", -1, 90)
}

// Shows RFC 8914 4.14.
func TestCachedFailure(t *testing.T) {
	u := newScripted(t, failing)
	c := newCaching(t, u)
	c.wants(t, "SERVFAIL", "upstream", 22, 0)
	before := u.asked.Load()
	c.wants(t, "SERVFAIL", "cache", 13, 0)
	u.wasAsked(t, before)
	u.become(answering(answered60))
	c.sleep(time.Minute)
	c.wants(t, "NOERROR", "upstream", -1, 60)
}

func TestFlush(t *testing.T) {
	for name, flush := range map[string]func(*caching, *scripted) error{
		"all": func(c *caching, _ *scripted) (err error) {
			if n := c.Flush(); n != 1 {
				err = fmt.Errorf("%d dropped", n)
			}
			return err
		},
		"the name": func(c *caching, _ *scripted) error {
			n, err := c.FlushName("WWW.example.org.")
			if n != 1 {
				err = fmt.Errorf("%d dropped", n)
			}
			return err
		},
		"the network": func(c *caching, _ *scripted) error {
			c.NetworkChanged()
			return nil
		},
		"the servers": func(c *caching, _ *scripted) error {
			return c.Reconfigure(cachingSettings(newScripted(t, answering(answered60))))
		},
		"the routes": func(c *caching, u *scripted) error {
			next := cachingSettings(u)
			next.Upstreams.Routes = []Route{{Domains: []string{"corp.example"}, Servers: plain(u.addr)}}
			return c.Reconfigure(next)
		},
		"the settings": func(c *caching, u *scripted) error {
			next := cachingSettings(u)
			next.Upstreams.RebindProtection = true
			return c.Reconfigure(next)
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := newScripted(t, answering(answered60))
			c := newCaching(t, u)
			c.wants(t, "NOERROR", "upstream", -1, 60)
			c.wants(t, "NOERROR", "cache", -1, 60)
			if err := flush(c, u); err != nil {
				t.Fatal(err)
			}
			c.wants(t, "NOERROR", "upstream", -1, 60)
		})
	}
	if _, err := newCaching(t, newScripted(t, failing)).FlushName("a..b"); err == nil {
		t.Error("what is no name is accepted")
	}
}

// Shows RFC 1034 4.3.1b.
// Shows RFC 1123 6.1.2.1.
func TestNotCached(t *testing.T) {
	norecurse := query(asked, dns.TypeA)
	norecurse.RecursionDesired = false
	for name, tt := range map[string]struct {
		change func(*Settings)
		answer string
		query  *dns.Msg
	}{
		"without a cache": {func(s *Settings) { s.Cache.Size = 0 }, answered60, query(asked, dns.TypeA)},
		"what rebinds":    {func(s *Settings) { s.Upstreams.RebindProtection = true }, "www.example.org. 60 IN A 10.0.0.1", query(asked, dns.TypeA)},
		"a TTL of 0":      {func(*Settings) {}, "www.example.org. 0 IN A 192.0.2.1", query(asked, dns.TypeA)},
		"a TTL of 2^31":   {func(*Settings) {}, "www.example.org. 2147483648 IN A 192.0.2.1", query(asked, dns.TypeA)},
		"without RD":      {func(*Settings) {}, answered60, norecurse},
	} {
		t.Run(name, func(t *testing.T) {
			u := newScripted(t, answering(tt.answer))
			c := newCaching(t, u)
			set := cachingSettings(u)
			tt.change(&set)
			if err := c.Reconfigure(set); err != nil {
				t.Fatal(err)
			}
			start(t, c.Server)
			for range 2 {
				dial(t, c.Server, "udp").exchange(tt.query)
			}
			// An upstream that is slow to answer is asked again, so what it got
			// may be more.
			want := []ReplyCount{{Source: "upstream", Rcode: "NOERROR", Count: 2}}
			if got := c.Stats().Replies; !slices.Equal(got, want) {
				t.Errorf("replies %v, want %v", got, want)
			}
		})
	}
}

func TestPrefetch(t *testing.T) {
	u := newScripted(t, answering(answered60))
	c := newCaching(t, u)
	start(t, c.Server)
	dial(t, c.Server, "udp").exchange(query(ours, dns.TypeA)) // Run is up: without it nothing is fetched
	c.wants(t, "NOERROR", "upstream", -1, 60)
	for range 10 {
		c.wants(t, "NOERROR", "cache", -1, 60)
	}
	c.sleep(57 * time.Second)
	c.wants(t, "NOERROR", "cache", -1, 3)
	eventually(t, func() bool { return c.Stats().Cache.Insertions == 2 })
	c.wants(t, "NOERROR", "cache", -1, 60)
	if n := c.Stats().Cache.Insertions; n != 2 {
		t.Errorf("fetched %d times, want 2", n)
	}
}

func TestOverloadPrefersStaleAnswers(t *testing.T) {
	u := newScripted(t, answering(answered60))
	c := newCaching(t, u)
	c.wants(t, "NOERROR", "upstream", -1, 60)
	c.sleep(2 * time.Minute)
	c.forward.InFlight = make(chan struct{}) // no place at all
	c.wants(t, "NOERROR", "cache", 3, 30)
	if c.Flush(); c.Stats().Overloads != 1 {
		t.Errorf("%d overloads", c.Stats().Overloads)
	}
	c.wants(t, "SERVFAIL", "upstream", 23, 0)
}

// eventually waits for what no channel signals.
func eventually(t testing.TB, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to be")
		}
	}
}
