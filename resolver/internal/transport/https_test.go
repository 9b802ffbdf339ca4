package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/resolver/internal/message"
)

// Queries that come when there is no connection yet share the one that is made.
// Shows RFC 8484 5.2.
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
	scope := NewScope(t.Context())
	defer scope.End()
	h := NewHTTPS(scope, server.URL, func(ctx context.Context) (net.Conn, error) {
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
		scope := NewScope(t.Context())
		defer scope.End()
		h := NewHTTPS(scope, "https://192.0.2.1/dns-query", p.dial, &tls.Config{ServerName: "dns.example"})
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
		scope := NewScope(t.Context())
		defer scope.End()
		h := NewHTTPS(scope, "https://192.0.2.1/dns-query", func(ctx context.Context) (net.Conn, error) {
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

// web is a server of queries over HTTP, whose nth request is numbered from 1.
func web(t *testing.T, version int, serve func(nth int32, w http.ResponseWriter, query []byte)) (h *Kept, dials *atomic.Int32) {
	t.Helper()
	var nth atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, _ := io.ReadAll(r.Body)
		if r.ProtoMajor != version {
			t.Errorf("asked over %s", r.Proto)
		}
		serve(nth.Add(1), w, query)
	}))
	server.EnableHTTP2 = version == 2
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	scope := NewScope(t.Context())
	t.Cleanup(scope.End)
	dials = new(atomic.Int32)
	return NewHTTPS(scope, server.URL, func(ctx context.Context) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}, &tls.Config{RootCAs: roots}), dials
}

func reply200(w http.ResponseWriter, query []byte) {
	w.Header().Set("Content-Type", mediaType)
	_, _ = w.Write(answer(query))
}

// However a connection ends, its queries are sent on another one.
func TestHTTPSSendsAgain(t *testing.T) {
	hijack := func(w http.ResponseWriter) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.Close()
	}
	for name, tt := range map[string]struct {
		version int
		serve   func(nth int32, w http.ResponseWriter, query []byte)
	}{
		"HTTP/1.1 closed as the query arrives": {1, func(nth int32, w http.ResponseWriter, query []byte) {
			if nth == 2 {
				hijack(w)
				return
			}
			reply200(w, query)
		}},
		"HTTP/1.1 closed after each": {1, func(_ int32, w http.ResponseWriter, query []byte) {
			w.Header().Set("Connection", "close")
			reply200(w, query)
		}},
		"HTTP/2 reset": {2, func(nth int32, w http.ResponseWriter, query []byte) {
			if nth == 2 {
				panic(http.ErrAbortHandler)
			}
			reply200(w, query)
		}},
		"HTTP/2 going away": {2, func(nth int32, w http.ResponseWriter, query []byte) {
			if nth <= 4 || nth == 10 {
				w.Header().Set("Connection", "close") // net/http sends GOAWAY
			}
			reply200(w, query)
		}},
		"HTTP/2 silent": {2, func(nth int32, w http.ResponseWriter, query []byte) {
			if nth == 2 {
				time.Sleep(2 * maxSilence)
			}
			reply200(w, query)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _ := web(t, tt.version, tt.serve)
			for n := range byte(4) {
				mustAsk(t, h, n)
			}
			askAll(t, h, 20)
		})
	}
}

// Shows RFC 8484 4.2.1, 6.
func TestHTTPSReplies(t *testing.T) {
	for name, tt := range map[string]struct {
		kind   string
		status int
		fails  string
	}{
		"in capitals":       {"Application/DNS-Message", 200, ""},
		"with a parameter":  {`application/dns-message; charset="x"`, 200, ""},
		"not by the origin": {mediaType, 203, ""},
		"a web page":        {"text/html", 200, "text/html"},
		"no type":           {"", 200, "want " + mediaType},
		"an error":          {mediaType, 502, "502"},
		"elsewhere":         {mediaType, 307, "307"},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := web(t, 2, func(_ int32, w http.ResponseWriter, query []byte) {
				w.Header()["Content-Type"] = []string{tt.kind}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				_, _ = w.Write(answer(query))
			})
			_, err := h.RoundTrip(t.Context(), query(1), accepting(1))
			if (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("error %v, want %q", err, tt.fails)
			}
		})
	}
}

// What was in a cache on its way has less time left.
// Shows RFC 8484 5.1.
func TestHTTPSAge(t *testing.T) {
	for header, want := range map[string][]uint32{
		"":                            {300, 100, 1 << 31, 0x8000},
		"250":                         {50, 0, 1 << 31, 0x8000},
		"4294967295":                  {0, 0, 1 << 31, 0x8000},
		"4294967296":                  {0, 0, 1 << 31, 0x8000},
		"1" + strings.Repeat("0", 40): {0, 0, 1 << 31, 0x8000},
		"+250":                        {300, 100, 1 << 31, 0x8000},
		"-1":                          {300, 100, 1 << 31, 0x8000},
		"soon":                        {300, 100, 1 << 31, 0x8000},
	} {
		reply := make([]byte, headerLen)
		reply[2], reply[7], reply[9], reply[11] = 0x80, 2, 1, 1
		for i, ttl := range []uint32{300, 100, 1 << 31, 0x8000} {
			rrtype := byte(1)
			if i == 3 {
				rrtype = 41 // OPT
			}
			reply = append(reply, 0, 0, rrtype, 0, 1)
			reply = binary.BigEndian.AppendUint32(reply, ttl)
			reply = append(reply, 0, 0)
		}
		age(reply, header)
		got := []uint32{}
		for record := range message.Records(reply) {
			got = append(got, binary.BigEndian.Uint32(reply[record.TTL():]))
		}
		if !slices.Equal(got, want) {
			t.Errorf("age %q: %d, want %d", header, got, want)
		}
	}
}

// A clock that is set back must not have a connection look as if the server were yet to
// fall silent: when data arrived last has the reading of the clock that nothing steps.
func TestHTTPSHeardByTheSteadyClock(t *testing.T) {
	t.Parallel()
	h := &https{made: time.Now()}
	if at := h.heard(); !at.IsZero() {
		t.Errorf("heard at %v before anything was", at)
	}
	h.hear()
	at := h.heard()
	if before := time.Since(h.made); at.Before(h.made) || at.Sub(h.made) > before || !strings.Contains(at.String(), " m=") {
		t.Errorf("heard at %v, made at %v", at, h.made)
	}
}
