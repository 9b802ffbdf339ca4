package resolver

import (
	"context"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/wire"
)

// A query that waits for an upstream when the server ends is answered, not left
// to the client's timeout.
// Shows RFC 7766 6.2.4c.
func TestQueryInFlightIsAnsweredAtTheEnd(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			release, arrived := make(chan struct{}), make(chan struct{}, 1)
			up := fakeUpstream(t, func(_ dns.ResponseWriter, q *dns.Msg) {
				if q.Question[0].Name == "www.example.org." { // and no probe
					select {
					case arrived <- struct{}{}:
					default: // it is asked again
					}
				}
				<-release
			})
			defer close(release)
			s := newServer(t, settings(up))
			if err := s.Listen(); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- s.Run(ctx) }()
			c := dial(t, s, network)
			q := withEDNS(query("www.example.org", dns.TypeA), wire.UDPLimit)
			c.send(packed(t, q))
			<-arrived
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
			var m dns.Msg
			if err := m.Unpack(c.receive()); err != nil || m.Id != q.Id || m.Rcode != dns.RcodeServerFailure {
				t.Errorf("got %v, %v; want SERVFAIL", &m, err)
			}
			if text := m.String(); !strings.Contains(text, "given up") || strings.Contains(text, "context") {
				t.Errorf("want to be told that the query was given up:\n%s", text)
			}
		})
	}
}
