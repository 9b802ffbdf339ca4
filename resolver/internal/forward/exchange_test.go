package forward

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// newExchange is one that has just begun, with a server that is never asked.
func newExchange(t *testing.T, f *Forwarder, r *wire.Request) (*exchange, *upstream.Pool) {
	t.Helper()
	pool := upstream.New(upstream.Config{})
	server := upstream.Plain(netip.MustParseAddrPort("192.0.2.53:53"))
	targets := &Targets{Servers: pool.Use(upstream.Options{}, []upstream.Server{server})[0]}
	q := newQuery(r, targets, new(decision.Verdict))
	return &exchange{query: q, asked: f.cache.Epoch(), recoveries: q.group.Recoveries(), cacheable: true}, pool
}

func replied(t *testing.T, r *wire.Request, rcode int, records ...string) *upstream.Reply {
	t.Helper()
	m := new(dns.Msg).SetRcode(&r.Msg, rcode)
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		if m.Answer = append(m.Answer, rr); rr.Header().Rrtype == dns.TypeSOA {
			m.Answer, m.Ns = nil, m.Answer
		}
	}
	return &upstream.Reply{Msg: m}
}

// What a later server said is passed on, and cached, for five seconds at most;
// what the earlier one says after all replaces it.
func TestProvisionalReplyIsReplaced(t *testing.T) {
	const (
		soa     = "example.org. 600 IN SOA ns.example.org. admin.example.org. 1 2 3 4 600"
		address = asked + ". 300 IN A 192.0.2.1"
	)
	for name, comes := range map[string]bool{"it comes": true, "none comes": false} {
		t.Run(name, func(t *testing.T) {
			f, _ := newForwarder(t)
			r := newRequest(t)
			x, _ := newExchange(t, f, r)
			provisional := replied(t, r, dns.RcodeNameError, soa)
			provisional.Provisional = true
			f.keep(x, provisional)
			if ttl := provisional.Msg.Ns[0].Header().Ttl; ttl != 5 {
				t.Errorf("clients may keep it for %d s", ttl)
			}
			hit, ok := f.cache.Get(x.key, f.clock())
			if !ok || hit.Rcode() != dns.RcodeNameError || hit.Left() > 5*time.Second {
				t.Fatalf("cached: %+v for %v", hit, hit.Left())
			}
			late := make(chan *upstream.Reply, 1)
			if comes {
				late <- replied(t, r, dns.RcodeSuccess, address)
			}
			close(late)
			f.awaitLate(t.Context(), x, late)
			hit, ok = f.cache.Get(x.key, f.clock())
			if !ok || (hit.Rcode() == dns.RcodeSuccess) != comes || (hit.Left() > time.Minute) != comes {
				t.Errorf("then cached: %+v for %v", hit, hit.Left())
			}
		})
	}
}

func TestLateReplyIsAwaitedUntilTheEnd(t *testing.T) {
	f, _ := newForwarder(t)
	x, _ := newExchange(t, f, newRequest(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.awaitLate(ctx, x, make(chan *upstream.Reply))
}

// A failure of transport ends when a server comes back, or came back while it was
// asked.
func TestFailureOfTransportEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile, then bool // a server comes back
		kept            bool
	}{
		"not yet":    {false, false, true},
		"afterwards": {false, true, false},
		"meanwhile":  {true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := newForwarder(t)
			x, pool := newExchange(t, f, newRequest(t))
			if tt.meanwhile {
				pool.Reset()
			}
			f.keepFailure(x, new(upstream.Failure))
			if tt.then {
				pool.Reset()
			}
			if hit, ok := f.cache.Get(x.key, f.clock()); ok != tt.kept || ok && !hit.Failure {
				t.Errorf("served: %t, %+v", ok, hit)
			}
		})
	}
}

// What is for one query only says nothing to another.
func TestNotCacheable(t *testing.T) {
	f, _ := newForwarder(t)
	r := newRequest(t)
	x, _ := newExchange(t, f, r)
	x.cacheable = false
	f.keep(x, replied(t, r, dns.RcodeSuccess, asked+". 300 IN A 192.0.2.1"))
	f.keepFailure(x, new(upstream.Failure))
	if n := f.cache.Stats().Entries; n != 0 {
		t.Errorf("%d are cached", n)
	}
}
