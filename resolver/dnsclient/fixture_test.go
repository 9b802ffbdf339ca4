package dnsclient

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/zone"
)

const (
	theirs = "metropolis-0000000000000000000000000000000a"
	nobody = "metropolis-ffffffffffffffffffffffffffffffff"
)

// start runs a server with one node until the test ends, and returns its address.
func start(t *testing.T) netip.AddrPort {
	t.Helper()
	store, err := zone.NewStore(zone.Config{Local: "metropolis-00000000000000000000000000000001"})
	if err != nil {
		t.Fatal(err)
	}
	source := store.Source("curator")
	source.Begin()
	source.Set(zone.Entry{ID: theirs, Addresses: testkit.Addrs("10.0.0.10", "2001:db9::a")})
	source.Complete()
	s, err := resolver.New(resolver.Config{
		Zone:   store.Snapshot,
		Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
		Settings: resolver.Settings{
			TTL:   10 * time.Second,
			Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s.Addrs()[0]
}
