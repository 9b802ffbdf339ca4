package resolver

import (
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/decision"
)

// A lookup without upstreams does not consume the hint that makes the next query
// prefetch an answer.
func TestOfflineLookupLeavesThePrefetch(t *testing.T) {
	t.Parallel()
	s := newPathServer(t, newPathZone(t, zoneReady), nil)
	for range 10 { // it becomes popular
		if m, _ := resolveOffline(t.Context(), s, "late.example.org", dns.TypeA); m == nil || m.Answer[0].Header().Ttl != 2 {
			t.Fatalf("got\n%v", m)
		}
	}
	key := cache.Key{Name: decision.Name("\x04late\x07example\x03org\x00"), Type: dns.TypeA}
	if hit, ok := s.cache.Get(key, pathClock); !ok || !hit.Prefetch {
		t.Errorf("after offline lookups the hit is %+v, want one to be fetched anew", hit)
	}
}
