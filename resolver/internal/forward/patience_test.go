package forward

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
)

// hanging is a Forwarder whose upstreams are asked already, by a query that never
// ends.
func hanging(t *testing.T) (*Forwarder, *Targets, *wire.Request) {
	t.Helper()
	f, targets := newForwarder(t)
	r := newRequest(t)
	f.calls.join(newQuery(r, targets, new(decision.Verdict)).callKey())
	return f, targets, r
}

func code(r *wire.Request) uint16 {
	if len(r.Extended) == 0 {
		return 0
	}
	return r.Extended[0].InfoCode
}

// Shows RFC 1034 5.3.3a.
// Shows RFC 8767 5b.
func TestEveryQueryIsAnsweredInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets, r := hanging(t)
		began := time.Now()
		got := f.Finish(t.Context(), r, targets, &decision.Verdict{Kind: decision.Forward})
		if took := time.Since(began); took >= 4*time.Second {
			t.Errorf("it took %v", took)
		}
		if got.Rcode != dns.RcodeServerFailure || len(r.Extended) != 1 || code(r) != dns.ExtendedErrorCodeNoReachableAuthority {
			t.Errorf("got %v, %v", got, r.Extended)
		}
	})
}

// RFC 8767, section 5: a client waits for 1.8 s before it gets a stale answer.
// Shows RFC 8767 5a.
func TestStaleAnswerInTime(t *testing.T) {
	for name, tt := range map[string]struct {
		rcode int
		code  uint16
	}{
		"an answer": {dns.RcodeSuccess, dns.ExtendedErrorCodeStaleAnswer},
		"a denial":  {dns.RcodeNameError, dns.ExtendedErrorCodeStaleNXDOMAINAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets, r := hanging(t)
				m := new(dns.Msg).SetRcode(&r.Msg, tt.rcode)
				soa, _ := dns.NewRR("example.org. 60 IN SOA ns.example.org. admin.example.org. 1 2 3 4 60")
				m.Ns = []dns.RR{soa}
				key := cache.Key{Name: r.Question.Name, Type: dns.TypeA}
				f.cache.Put(key, m, 0, f.cache.Epoch(), f.clock())
				time.Sleep(2 * time.Minute)
				verdict := decision.Verdict{Kind: decision.Forward}
				decide(&verdict, r, f)
				began := time.Now()
				got := f.Finish(t.Context(), r, targets, &verdict)
				if took := time.Since(began); took != 1800*time.Millisecond {
					t.Errorf("it took %v", took)
				}
				if got.Rcode != tt.rcode || code(r) != tt.code || got.Ns[0].Header().Ttl != 30 {
					t.Errorf("got %v, %v", got, r.Extended)
				}
			})
		})
	}
}

// decide looks into the cache, as a decision does.
func decide(v *decision.Verdict, r *wire.Request, f *Forwarder) {
	v.Hit, _ = f.cache.Get(cache.Key{Name: r.Question.Name, Type: r.Question.Type}, f.clock())
}
