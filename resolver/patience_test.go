package resolver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/decision"
)

// hanging is a server whose upstreams are asked for an address already, by a query
// that never ends.
func hanging(t *testing.T) *Server {
	t.Helper()
	set := settings(unused(t))
	set.Cache = Cache{Size: 1 << 20, ServeStale: time.Hour}
	born := time.Now()
	s, err := New(Config{
		Zone: newZone(t).Snapshot, Settings: set,
		Clock: func() time.Duration { return time.Since(born) },
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := ask(asked, "A")
	if err != nil {
		t.Fatal(err)
	}
	s.flights.join(newExchange(r, s.current(), new(decision.Verdict)).flightKey())
	return s
}

func TestEveryQueryIsAnsweredInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, began := hanging(t), time.Now()
		got, err := s.Query(t.Context(), asked, "A")
		if took := time.Since(began); took >= 4*time.Second {
			t.Errorf("it took %v", took)
		}
		if err != nil || got.Rcode != "SERVFAIL" || len(got.Errors) != 1 || got.Errors[0].Code != dns.ExtendedErrorCodeNoReachableAuthority {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// RFC 8767, section 5: a client waits for 1.8 s before it gets a stale answer.
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
				s := hanging(t)
				m := new(dns.Msg).SetRcode(query(asked, dns.TypeA), tt.rcode)
				soa, _ := dns.NewRR(soa60)
				m.Ns = []dns.RR{soa}
				wire, _ := decision.ParseName(asked)
				s.cache.Put(cache.Key{Name: wire, Type: dns.TypeA}, m, s.cache.Epoch(), s.clock())
				time.Sleep(2 * time.Minute)
				began := time.Now()
				got, err := s.Query(t.Context(), asked, "A")
				if took := time.Since(began); took != 1800*time.Millisecond {
					t.Errorf("it took %v", took)
				}
				if err != nil || got.Rcode != dns.RcodeToString[tt.rcode] || got.Errors[0].Code != tt.code || got.Authority[0].TTL != 30 {
					t.Errorf("got %+v, %v", got, err)
				}
			})
		})
	}
}
