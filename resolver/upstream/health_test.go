package upstream

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/transport"
)

// What a server does with queries in a form shows whether it takes that form.
// The first query with an unsuitable one is asked again in a lesser one.
// Shows RFC 6891 7b, 7c.
func TestEDNS(t *testing.T) {
	rejects := func(least ednsUse, m func(*dns.Msg) *dns.Msg) func(*dns.Msg) *dns.Msg {
		return func(q *dns.Msg) *dns.Msg {
			if used(q) < least {
				return m(q)
			}
			return reply(q, "192.0.2.1")
		}
	}
	silence := func(*dns.Msg) *dns.Msg { return nil }
	badVersion := func(q *dns.Msg) *dns.Msg {
		return new(dns.Msg).SetEdns0(payload, false).SetRcode(q, dns.RcodeBadVers)
	}
	tests := map[string]struct {
		respond func(*dns.Msg) *dns.Msg
		want    ednsUse
	}{
		"answers":              {rejects(allOptions, silence), allOptions},
		"FORMERR":              {rejects(noEDNS, withRcode(dns.RcodeFormatError)), noEDNS},
		"NOTIMP":               {rejects(noEDNS, withRcode(dns.RcodeNotImplemented)), noEDNS},
		"BADVERS":              {rejects(noEDNS, badVersion), noEDNS},
		"silence":              {rejects(noEDNS, silence), noEDNS},
		"NXDOMAIN":             {rejects(noEDNS, withRcode(dns.RcodeNameError)), allOptions},
		"SERVFAIL":             {rejects(noEDNS, withRcode(dns.RcodeServerFailure)), allOptions},
		"FORMERR, for options": {rejects(noOptions, withRcode(dns.RcodeFormatError)), noOptions},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, servers, g := nearby(after(rtt))
				servers[0].set(after(rtt), tt.respond)
				defer run(t, p)()
				q := query("www.example.")
				q.SetEdns0(payload, true)
				got, err := g.Exchange(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				if reasons := Extended(got.Msg); (len(reasons) == 1 && reasons[0].InfoCode == dns.ExtendedErrorCodeRRSIGsMissing) != (tt.want == noEDNS) {
					t.Errorf("got %v", got.Msg)
				}
				time.Sleep(5 * time.Second)
				if p.Status()[0].EDNS != (tt.want < noEDNS) {
					t.Error("the status has something else")
				}
				for _, want := range []ednsUse{tt.want, allOptions} {
					servers[0].set(after(rtt), nil)
					servers[0].take()
					ask(t, g)
					if asked := servers[0].take(); used(asked[0]) != want {
						t.Errorf("it is asked %s, want %s", ednsUses[used(asked[0])], ednsUses[want])
					}
					time.Sleep(lessFor)
				}
			})
		})
	}
}

// used is how much of EDNS a query has.
func used(q *dns.Msg) ednsUse {
	switch opt := q.IsEdns0(); {
	case opt == nil:
		return noEDNS
	case len(opt.Option) == 0:
		return noOptions
	}
	return allOptions
}

// nearby makes servers that queries have the mark of a loop for.
func nearby(delays ...func() time.Duration) (*Pool, []*imagined, *Group) {
	p, servers, g := imagine(Config{}, delays...)
	for _, peer := range g.peers {
		peer.token = newToken()
	}
	return p, servers, g
}

// The owner of a name must not be able to have a server asked for others without
// EDNS.
// Shows RFC 6891 7c.
func TestNamesSayNothingOfEDNS(t *testing.T) {
	broken := func(q *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(q, dns.RcodeFormatError) }
	for name, respond := range map[string]func(*dns.Msg) *dns.Msg{
		"whatever the form": broken,
		"with EDNS": func(q *dns.Msg) *dns.Msg {
			if used(q) == noEDNS {
				return reply(q, "192.0.2.1")
			}
			return broken(q)
		},
		"with options": func(q *dns.Msg) *dns.Msg {
			if used(q) > allOptions {
				return reply(q, "192.0.2.1")
			}
			return broken(q)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, servers, g := nearby(after(rtt))
				defer run(t, p)()
				servers[0].set(after(rtt), func(q *dns.Msg) *dns.Msg {
					if q.Question[0].Name == "evil.example." {
						return respond(q)
					}
					return reply(q, "192.0.2.1")
				})
				time.Sleep(time.Second)
				servers[0].take()
				for range 20 {
					if _, err := g.Exchange(t.Context(), query("evil.example.")); err != nil {
						t.Fatal(err)
					}
				}
				asked := servers[0].take()
				if n := len(asked); n > 20*maxDatagrams+2 {
					t.Errorf("%d queries", n)
				}
				time.Sleep(5 * time.Second)
				servers[0].take()
				ask(t, g)
				if asked := servers[0].take(); used(asked[0]) != allOptions {
					t.Errorf("the server is asked %s", ednsUses[used(asked[0])])
				}
			})
		})
	}
}

// Loss alone must not cost a server EDNS, however often it happens.
func TestSilenceOfServerThatKnowsEDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(rtt))
		defer run(t, p)()
		ask(t, g)
		turn := 0
		servers[0].set(func() time.Duration {
			if turn++; turn%2 == 1 {
				return lost
			}
			return rtt
		}, nil)
		for range 20 {
			ask(t, g)
		}
		for _, q := range servers[0].take() {
			if q.IsEdns0() == nil {
				t.Fatal("it was asked without EDNS")
			}
		}
	})
}

func TestResetForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(lost), after(rtt))
		defer run(t, p)()
		for range maxMisses {
			ask(t, g)
		}
		if got := state(p, servers[0].server); got != Down {
			t.Fatalf("the first is %v", got)
		}
		servers[0].set(after(rtt), nil)
		p.Reset()
		if got := state(p, servers[0].server); got != Unknown {
			t.Errorf("the first is %v, want unknown", got)
		}
		if got, _ := ask(t, g); got.Server != servers[0].server {
			t.Errorf("asked %v", got.Server)
		}
	})
}

func TestUseKeepsWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{Own: func() []netip.AddrPort {
			return []netip.AddrPort{netip.MustParseAddrPort("127.0.0.53:53")}
		}}, after(rtt), after(rtt))
		ask(t, g)
		own, err := ParseServer("tcp://127.0.0.53")
		if err != nil {
			t.Fatal(err)
		}
		first := servers[0].server
		groups := p.Use(Options{}, []Server{own, first, first}, nil)
		if got := groups[0].Servers(); len(got) != 1 || got[0] != first {
			t.Errorf("servers %v", got)
		}
		if got := state(p, first); got != Good || len(p.Status()) != 1 {
			t.Errorf("it is %v, of %d", got, len(p.Status()))
		}
		if _, err := groups[1].Exchange(t.Context(), query("www.example.")); !errors.Is(err, ErrNoServers) {
			t.Errorf("no server to ask: %v", err)
		}
		ask(t, g) // it still works
	})
}

func TestIdlePoolIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(lost), after(rtt))
		defer run(t, p)()
		time.Sleep(2 * idleAfter)
		servers[0].take()
		servers[1].take()
		time.Sleep(time.Hour)
		if n := len(servers[0].take()) + len(servers[1].take()); n != 0 {
			t.Errorf("%d probes without a query in an hour", n)
		}
		ask(t, g)
		time.Sleep(time.Second)
		if len(servers[0].take()) == 0 {
			t.Error("the server that is down is not probed")
		}
	})
}

// A server near by that is silent to names which show a loop is no dead one.
func TestServerThatIgnoresProbesForLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := nearby(after(rtt), after(rtt))
		servers[0].set(after(rtt), func(q *dns.Msg) *dns.Msg {
			if q.Question[0].Qtype == dns.TypeTXT {
				return nil
			}
			return reply(q, "192.0.2.1")
		})
		defer run(t, p)()
		for range 30 {
			time.Sleep(10 * time.Second)
			if got, _ := ask(t, g); got.Server != servers[0].server {
				t.Fatalf("the first is %v", state(p, servers[0].server))
			}
		}
	})
}

// Shows RFC 1123 6.1.3.3e.
// Shows RFC 2308 7.2.
func TestDownServerIsProbedWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(lost), after(rtt))
		defer run(t, p)()
		const minutes = 60
		for range minutes * 60 {
			ask(t, g)
			time.Sleep(time.Second)
		}
		asked := servers[0].take()
		if n := len(asked) - queries(asked); n < minutes*60/30 || n > (maxDatagrams+1)*2*minutes*60/30 {
			t.Errorf("%d probes in %d minutes", n, minutes)
		}
		if n := queries(asked); n > maxMisses*(maxDatagrams+1) {
			t.Errorf("%d queries went to it", n)
		}
	})
}

// near is a pool with one server from which loops are possible.
func near() (*Pool, *peer, *Group) {
	p := New(Config{})
	g := p.Use(Options{}, []Server{Plain(netip.MustParseAddrPort("10.0.0.1:53"))})[0]
	return p, g.peers[0], g
}

func TestLoopIsRecognized(t *testing.T) {
	other := newToken()
	marked := func(p *peer, before ...token) *dns.Msg {
		q := mustQuestion(t, query("www.example."))
		for _, hop := range before {
			q.hops = binary.BigEndian.AppendUint64(q.hops, uint64(hop))
		}
		m := new(dns.Msg)
		if err := m.Unpack(q.wire(form{mark: p.token})); err != nil {
			t.Fatal(err)
		}
		return m
	}
	tests := map[string]struct {
		query  func(*peer) *dns.Msg
		looped bool
	}{
		"our own mark":          {func(p *peer) *dns.Msg { return marked(p) }, true},
		"through another":       {func(p *peer) *dns.Msg { return marked(&peer{token: other}, p.token) }, true},
		"our own probe":         {func(p *peer) *dns.Msg { return query(p.token.loopName()) }, true},
		"another's mark":        {func(*peer) *dns.Msg { return marked(&peer{token: other}) }, false},
		"another's probe":       {func(*peer) *dns.Msg { return query(other.loopName()) }, false},
		"zero":                  {func(*peer) *dns.Msg { return query(token(0).loopName()) }, false},
		"no mark":               {func(*peer) *dns.Msg { return query("www.example.") }, false},
		"too many others' hops": {func(*peer) *dns.Msg { return marked(&peer{token: other}, make([]token, maxHops-1)...) }, true},
		"many others' hops":     {func(*peer) *dns.Msg { return marked(&peer{token: other}, make([]token, maxHops-2)...) }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, peer, _ := near()
			server, looped := p.Looped(tt.query(peer))
			if looped != tt.looped {
				t.Fatalf("looped: %t", looped)
			}
			if server != (Server{}) && (server != peer.server || state(p, server) != Looping) {
				t.Errorf("%v is %v", server, state(p, server))
			}
		})
	}
}

func TestLoopingServerIsNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{})
		loop := &imagined{server: Plain(netip.MustParseAddrPort("10.0.0.1:53")), delay: after(rtt)}
		p.newTransport = func(Server, *transport.Scope) roundTripper { return loop }
		// The other one forwards every query to us.
		round := func(q *dns.Msg) *dns.Msg {
			if _, looped := p.Looped(q); looped {
				return new(dns.Msg).SetRcode(q, dns.RcodeRefused)
			}
			return reply(q, "192.0.2.1")
		}
		loop.set(after(rtt), round)
		g := p.Use(Options{}, []Server{loop.server})[0]
		defer run(t, p)()
		time.Sleep(time.Second)
		if got := state(p, loop.server); got != Looping {
			t.Fatalf("after a probe it is %v, want looping", got)
		}
		loop.take()
		if _, err := g.Exchange(t.Context(), query("www.example.")); err == nil || len(loop.take()) != 0 {
			t.Errorf("it was asked, %v", err)
		}
		for range 6 {
			time.Sleep(loopBackoff)
			_, _ = g.Exchange(t.Context(), query("www.example.")) // keeps the pool in use
			if got := state(p, loop.server); got != Looping {
				t.Fatalf("it still loops, and is %v", got)
			}
		}
		loop.set(after(rtt), nil)
		time.Sleep(2 * loopBackoff)
		if got := state(p, loop.server); got != Good {
			t.Errorf("the loop is gone, and it is %v", got)
		}
	})
}

func TestUseLetsGoOfConnections(t *testing.T) {
	server := serve(t, answering("192.0.2.1"), answering("192.0.2.1"))
	other := serve(t, nil, func(w dns.ResponseWriter, q *dns.Msg) { answering("192.0.2.1")(w, q) })
	p := New(Config{})
	defer run(t, p)()
	kept, dropped := Server{Transport: TCP, Addr: server.addr}, Server{Transport: TCP, Addr: other.addr}
	for _, g := range p.Use(Options{}, []Server{kept}, []Server{dropped}) {
		ask(t, g)
	}
	for name, use := range map[string]Server{"the server itself": kept, "for what UDP cannot carry": Plain(server.addr)} {
		p.Use(Options{}, []Server{use})
		p.session.mu.Lock()
		if p.session.transports[kept] == nil || p.session.transports[dropped] != nil {
			t.Errorf("%s: kept %v", name, p.session.transports)
		}
		p.session.mu.Unlock()
	}
}
