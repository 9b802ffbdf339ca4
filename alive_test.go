package nodedns

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

	"github.com/nodedns/nodedns/resolver/dnsclient"
)

func TestAlive(t *testing.T) {
	t.Parallel()
	listen := func(addrs ...string) func(*Config) {
		return func(c *Config) {
			c.Listen = nil
			for _, addr := range addrs {
				c.Listen = append(c.Listen, netip.MustParseAddrPort(addr))
			}
		}
	}
	tests := []struct {
		name   string
		change func(*Config)
	}{
		{"a listener", listen("127.0.0.1:0")},
		{"two", listen("127.0.0.1:0", "127.0.0.2:0")},
		{"all addresses", listen("0.0.0.0:0")},
		{"none", listen()},
		{"an answer that is a refusal", func(c *Config) { c.DNS.Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := start(t, tt.change)
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			if err := f.Alive(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// A daemon whose goroutines hang still has its sockets.
func TestAliveOfTheHung(t *testing.T) {
	t.Parallel()
	f := prepare(t)
	if err := f.dns.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Only Run closes what is bound.
		ended, end := context.WithCancel(context.Background())
		end()
		_ = f.dns.Run(ended)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := f.Alive(ctx); !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
		t.Errorf("got %v, want that nobody answers", err)
	}
}

// In a flood our own query is thrown away, and the listener is alive all the
// same: here another query is what it has handled meanwhile.
func TestAliveByOthersQueries(t *testing.T) {
	t.Parallel()
	f := start(t)
	listener := f.dns.Addrs()[0]
	before := f.dns.Progress()
	if _, err := dnsclient.Lookup(t.Context(), listener, selfProbe); err != nil {
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
	if err := f.handles(ctx, listener, at, before); err != nil {
		t.Errorf("with another query: %v", err)
	}
}

// A loop that hangs is found beside one that answers us.
func TestAliveOfAHungLoop(t *testing.T) {
	t.Parallel()
	f := prepare(t)
	if err := f.dns.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended, end := context.WithCancel(context.Background())
		end()
		_ = f.dns.Run(ended)
	})
	client, err := net.Dial("udp", f.dns.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Write([]byte("a query")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*progressInterval)
	defer cancel()
	if err := loopsMove(ctx, f.dns.Progress()); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "none is handled") {
		t.Errorf("got %v, want that it hangs", err)
	}
}

// A store that hangs in a change is found, though lookups still answer.
func TestAliveOfAHungStore(t *testing.T) {
	t.Parallel()
	var hangs atomic.Bool
	inside, release := make(chan struct{}), make(chan struct{})
	f := start(t, func(c *Config) {
		c.now = func() time.Time {
			if hangs.CompareAndSwap(true, false) {
				close(inside)
				<-release
			}
			return time.Now()
		}
	})
	hangs.Store(true)
	var change sync.WaitGroup
	change.Go(func() { f.store.SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.77")}) })
	<-inside
	for range 3 { // and no goroutines pile up
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := f.Alive(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the zone takes no changes") {
			t.Errorf("got %v, want that the zone hangs", err)
		}
		cancel()
	}
	close(release)
	change.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if err := f.Alive(ctx); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
