package resolver

import (
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// naming is an upstream whose answers contain its name.
func naming(t *testing.T, name string) upstream.Server {
	t.Helper()
	return upstream.Plain(fakeUpstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Answer = []dns.RR{&dns.TXT{
			Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60},
			Txt: []string{name},
		}}
		_ = w.WriteMsg(m)
	}))
}

// Shows RFC 6303 3c.
func TestRoutes(t *testing.T) {
	base := settings()
	base.Upstreams.Servers = []upstream.Server{naming(t, "everybody's")}
	base.Upstreams.Routes = []Route{
		{Domains: []string{"corp.example", "10.in-addr.arpa", "onion"}, Servers: []upstream.Server{naming(t, "corp's")}},
		{Domains: []string{"lab.corp.example"}, Servers: []upstream.Server{naming(t, "the lab's")}},
		{Domains: []string{"void.example"}},
	}
	s := newServer(t, base)
	asks := func(name string) string {
		m, _ := resolve(t.Context(), s, name, dns.TypeTXT)
		if len(m.Answer) == 0 {
			return wire.RcodeName(m.Rcode)
		}
		return wire.RData(m.Answer[0])
	}
	for name, want := range map[string]string{
		"www.example.org":       `"everybody's"`,
		"corp.example":          `"corp's"`,
		"WWW.Corp.Example":      `"corp's"`,
		"xcorp.example":         `"everybody's"`,
		"www.lab.corp.example":  `"the lab's"`,
		"1.2.3.10.in-addr.arpa": `"corp's"`,
		"x.onion":               `"corp's"`,
		"void.example":          "NXDOMAIN",
		"www.void.example":      "NXDOMAIN",
	} {
		if got := asks(name); got != want {
			t.Errorf("%s is answered by %s, want %s", name, got, want)
		}
	}

	base.Upstreams.Routes = nil
	if err := s.Reconfigure(base); err != nil {
		t.Fatal(err)
	}
	if got := asks("www.corp.example"); got != `"everybody's"` {
		t.Errorf("without routes: answered by %s", got)
	}
}

func TestRoutesRefused(t *testing.T) {
	for name, routes := range map[string][]Route{
		"no domains":     {{Domains: nil}},
		"a bad domain":   {{Domains: []string{"a..b"}}},
		"a domain twice": {{Domains: []string{"a.example"}}, {Domains: []string{"A.example."}}},
		"auto":           {{Domains: []string{"a.example"}, Servers: []upstream.Server{Auto}}},
	} {
		bad := settings()
		bad.Upstreams.Routes = routes
		if _, err := New(Config{Zone: newZone(t).Snapshot, Settings: bad}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// The names of the site may point anywhere, also with the protection that stops
// others from pointing there.
func TestRouteIsNoRebinding(t *testing.T) {
	inside := upstream.Plain(fakeUpstream(t, answering("www.corp.example. 60 IN A 10.1.2.3", "www.example.org. 60 IN A 10.1.2.3")))
	base := settings()
	base.Upstreams.RebindProtection = true
	base.Upstreams.Servers = []upstream.Server{inside}
	base.Upstreams.Routes = []Route{{Domains: []string{"corp.example"}, Servers: []upstream.Server{inside}}}
	s := newServer(t, base)
	for name, want := range map[string]int{"www.corp.example": 1, "www.example.org": 0} {
		for _, when := range []string{"asked", "asked again"} {
			if m, _ := resolve(t.Context(), s, name, dns.TypeA); (len(m.Answer) > 0) != (want > 0) {
				t.Errorf("%s, %s: got\n%v", name, when, m)
			}
		}
	}
}
