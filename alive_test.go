package nodedns

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"
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

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
