package selfcheck

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/zone"
)

const self = "metropolis-00000000000000000000000000000000"

// deadline is for what happens at once; it only ends a test that hangs.
const deadline = testkit.Patience

func newStore(t *testing.T, now func() time.Time) *zone.Store {
	t.Helper()
	store, err := zone.NewStore(zone.Config{Local: self, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// bind returns the Checker of a Server whose sockets are bound, and which does
// not run: it is like one whose goroutines hang.
func bind(t *testing.T, change ...func(*resolver.Config)) *Checker {
	t.Helper()
	c := newChecker(t, change)
	t.Cleanup(func() {
		// Only Run closes what is bound.
		ended, end := context.WithCancel(context.Background())
		end()
		_ = c.cfg.Server.Run(ended)
	})
	return c
}

// start returns the Checker of a Server that runs until the test ends.
func start(t *testing.T, change ...func(*resolver.Config)) *Checker {
	t.Helper()
	c := newChecker(t, change)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.cfg.Server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c
}

func newChecker(t *testing.T, change []func(*resolver.Config)) *Checker {
	t.Helper()
	store := newStore(t, nil)
	cfg := resolver.Config{
		Zone:   store.Snapshot,
		Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
		Settings: resolver.Settings{
			TTL:   10 * time.Second,
			Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		},
	}
	for _, change := range change {
		change(&cfg)
	}
	server, err := resolver.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	return New(Config{
		Server: server, Store: store, ID: self, Hints: retry.NewHint(), Logger: slog.New(slog.DiscardHandler),
		File: func() (bool, error) { return false, nil },
	})
}
