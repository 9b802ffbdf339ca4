package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Queries that come when there is no connection yet share the one that is made,
// though http.Transport would make one for each.
func TestHTTPSConnectsOnce(t *testing.T) {
	const together = 20
	var arrived sync.WaitGroup
	arrived.Add(together)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, _ := io.ReadAll(r.Body) // of one that is cut off no reply is accepted
		arrived.Done()
		arrived.Wait() // none may have to wait for the end of another
		w.Header().Set("Content-Type", mediaType)
		_, _ = w.Write(answer(query))
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())

	var dials atomic.Int32
	h := NewHTTPS(server.URL, func(ctx context.Context) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}, &tls.Config{RootCAs: roots})
	defer h.Close()
	var asking sync.WaitGroup
	for n := range byte(together) {
		asking.Go(func() {
			if _, err := h.RoundTrip(t.Context(), query(n), accepting(n)); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// While a server does not get as far as TLS, a query waits for no longer than it
// was meant to, and what was begun for it ends.
func TestHTTPSWithoutHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{serve: func(_ int, conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }}
		h := NewHTTPS("https://192.0.2.1/dns-query", p.dial, &tls.Config{ServerName: "dns.example"})
		var asking sync.WaitGroup
		for n := range byte(5) {
			asking.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				if _, err := h.RoundTrip(ctx, query(n), accepting(n)); err == nil {
					t.Error("a server without TLS has answered")
				}
			})
		}
		asking.Wait()
		if p.dialled() == 0 {
			t.Error("nobody has connected")
		}
		p.running.Wait() // a connection that stays would be a deadlock
	})
}

// A dial is not ended by the query that began it, nor does it go on for ever.
func TestHTTPSDialEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		h := NewHTTPS("https://192.0.2.1/dns-query", func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, ctx.Err()
		}, &tls.Config{ServerName: "dns.example"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.RoundTrip(ctx, query(1), accepting(1)); err == nil {
			t.Error("a server that is not there has answered")
		}
		<-ended
	})
}
