package selfcheck

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nodedns/nodedns/resolver"
)

func TestAlive(t *testing.T) {
	t.Parallel()
	on := func(addrs ...string) func(*resolver.Config) {
		return func(c *resolver.Config) {
			c.Listen = nil
			for _, addr := range addrs {
				c.Listen = append(c.Listen, netip.MustParseAddrPort(addr))
			}
		}
	}
	tests := []struct {
		name   string
		change func(*resolver.Config)
	}{
		{"a listener", on("127.0.0.1:0")},
		{"two", on("127.0.0.1:0", "127.0.0.2:0")},
		{"all addresses", on("0.0.0.0:0")},
		{"none", on()},
		{"an answer that is a refusal", func(c *resolver.Config) { c.Settings.Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, tt.change)
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			if err := c.Alive(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// A daemon whose goroutines hang still has its sockets.
func TestAliveOfTheHung(t *testing.T) {
	t.Parallel()
	c := bind(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Alive(ctx); !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
		t.Errorf("got %v, want that nobody answers", err)
	}
}

// In a flood our own query is dropped, and the listener is alive nevertheless:
// here it has handled another query meanwhile.
func TestAliveByOthersQueries(t *testing.T) {
	t.Parallel()
	c := start(t)
	listener := c.cfg.Server.Addrs()[0]
	before := c.cfg.Server.Progress()
	if err := Probe(t.Context(), listener); err != nil {
		t.Fatal(err)
	}
	// Where nothing is ever answered.
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	at := silent.LocalAddr().(*net.UDPAddr).AddrPort()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if err := c.handles(ctx, listener, at, before); err != nil {
		t.Errorf("with another query: %v", err)
	}
}

// A loop that hangs is detected next to one that answers us.
func TestAliveOfAHungLoop(t *testing.T) {
	t.Parallel()
	c := bind(t)
	client, err := net.Dial("udp", c.cfg.Server.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Write([]byte("a query")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*progressInterval)
	defer cancel()
	if err := loopsMove(ctx, c.cfg.Server.Progress()); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "none is handled") {
		t.Errorf("got %v, want that it hangs", err)
	}
}

// A store that hangs in a change is detected, though lookups still answer.
func TestAliveOfAHungStore(t *testing.T) {
	t.Parallel()
	var hangs atomic.Bool
	inside, release := make(chan struct{}), make(chan struct{})
	c := start(t)
	c.cfg.Store = newStore(t, func() time.Time {
		if hangs.CompareAndSwap(true, false) {
			close(inside)
			<-release
		}
		return time.Now()
	})
	hangs.Store(true)
	var change sync.WaitGroup
	change.Go(func() { c.cfg.Store.SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.77")}) })
	<-inside
	for range 3 { // and no goroutines pile up
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := c.Alive(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the zone takes no changes") {
			t.Errorf("got %v, want that the zone hangs", err)
		}
		cancel()
	}
	close(release)
	change.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if err := c.Alive(ctx); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
