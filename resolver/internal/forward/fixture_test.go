package forward

import (
	"log/slog"
	"testing"
	"time"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/cookie"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

const asked = "www.example.org"

// newForwarder returns one with a cache and no upstreams.
func newForwarder(t *testing.T) (*Forwarder, *Targets) {
	t.Helper()
	pool := upstream.New(upstream.Config{InFlight: 1})
	groups := pool.Use(upstream.Options{Timeout: time.Second}, nil, nil)
	targets := &Targets{Servers: groups[0], Private: groups[1]}
	born := time.Now()
	store, err := zone.NewStore(zone.Config{Local: "metropolis-00000000000000000000000000000001"})
	if err != nil {
		t.Fatal(err)
	}
	rules, err := decision.NewRules(decision.RulesConfig{TTL: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	targets.Setup = decision.Setup{Rules: rules, Reach: decision.ReachPublic}
	return New(Config{
		Replies:  &wire.Replies{Cookies: cookie.New(), Now: time.Now},
		Cache:    cache.New(cache.Config{Size: 1 << 20, ServeStale: time.Hour}),
		Current:  func() *Targets { return targets },
		View:     func(t *Targets) decision.View { return decision.View{Zone: store.Snapshot(), Setup: &t.Setup} },
		Clock:    func() time.Duration { return time.Since(born) },
		Logger:   slog.New(slog.DiscardHandler),
		InFlight: 10,
	}), targets
}

func newRequest(t *testing.T) *wire.Request {
	t.Helper()
	r, err := wire.Ask(asked, "A")
	if err != nil {
		t.Fatal(err)
	}
	return r
}
