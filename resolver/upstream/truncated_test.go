package upstream

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/transport"
)

// noTCP is what a server does over TCP that has none.
type noTCP func(ctx context.Context) error

// RoundTrip implements roundTripper.
func (n noTCP) RoundTrip(ctx context.Context, _ []byte, _ transport.Accept) ([]byte, error) {
	return nil, n(ctx)
}

func (noTCP) Close() {}

// A server that truncates its replies and has no TCP cannot answer such a query. But
// it is alive, whether it is probed or not.
func TestTruncatedWithoutTCP(t *testing.T) {
	for name, tt := range map[string]struct {
		tcp  noTCP
		code uint16
		text string
	}{
		"refused": {func(context.Context) error {
			return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}, dns.ExtendedErrorCodeNetworkError, "truncated, and over TCP: connection refused"},
		"silent": {func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}, dns.ExtendedErrorCodeNoReachableAuthority, "truncated, and over TCP: no answer in time"},
	} {
		for _, probed := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, servers, g := imagine(Config{}, after(rtt))
					over := p.newTransport
					p.newTransport = func(server Server, scope *transport.Scope) roundTripper {
						if server.Transport == TCP {
							return tt.tcp
						}
						return over(server, scope)
					}
					if probed {
						defer run(t, p)()
					}
					servers[0].set(after(rtt), func(q *dns.Msg) *dns.Msg {
						m := new(dns.Msg).SetReply(q)
						m.Truncated = true
						return m
					})
					time.Sleep(time.Second)
					var all sync.WaitGroup
					for range 2 * maxMisses {
						all.Go(func() {
							_, err := g.Exchange(t.Context(), query("www.example."))
							failure := (*Failure)(nil)
							if !errors.As(err, &failure) || failure.Transport() || failure.Code() != tt.code || !strings.Contains(err.Error(), tt.text) {
								t.Errorf("error %v", err)
							}
						})
					}
					all.Wait()
					if got := p.Status()[0]; got.State != Good || got.Timeouts != 0 {
						t.Errorf("it is %+v", got)
					}
				})
			})
		}
	}
}
