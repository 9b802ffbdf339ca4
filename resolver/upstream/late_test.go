package upstream

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/transport"
)

// A server that demands TCP over UDP, and is silent there, takes
// no more time than any other that is silent.
func TestSilenceOverTCPEndsByTheDeadline(t *testing.T) {
	for name, running := range map[string]bool{"with Run": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, servers, g := imagine(Config{}, after(rtt))
				servers[0].set(after(rtt), func(q *dns.Msg) *dns.Msg {
					m := new(dns.Msg).SetReply(q)
					m.Truncated = true
					return m
				})
				over := p.newTransport
				p.newTransport = func(server Server, scope *transport.Scope) roundTripper {
					if server.Transport == TCP {
						return &imagined{server: server, delay: after(lost)}
					}
					return over(server, scope)
				}
				if running {
					defer run(t, p)()
				}
				began := time.Now()
				_, err := g.Exchange(t.Context(), query("www.example."))
				if took := time.Since(began); took > Total || !errors.As(err, new(*Failure)) {
					t.Errorf("%v after %v", err, took)
				}
			})
		})
	}
}
