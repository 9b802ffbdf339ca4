package resolver

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit/nameserver"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// certificate is that of net/http/httptest, for example.com and loopback, which
// is its own root.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.TLS.Certificates[0], roots
}

// secured is an upstream over TLS. It counts its connections.
type secured struct {
	url         string
	roots       *x509.CertPool
	connections atomic.Int32
}

// counted counts what a listener accepts.
type counted struct {
	net.Listener
	n *atomic.Int32
}

func (c counted) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}

func overTLS(t *testing.T, answer dns.HandlerFunc) *secured {
	t.Helper()
	cert, roots := certificate(t)
	u := &secured{roots: roots}
	inner, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.url = "tls://" + inner.Addr().String()
	s := &dns.Server{
		Listener: tls.NewListener(counted{inner, &u.connections}, &tls.Config{Certificates: []tls.Certificate{cert}}),
		Handler:  answer, MaxTCPQueries: -1,
		// On a busy machine more than its 2 s and 8 s pass between two queries,
		// and a connection that it closes is one more for the test.
		ReadTimeout: time.Minute, IdleTimeout: func() time.Duration { return time.Minute },
	}
	nameserver.Run(t, s)
	return u
}

// overHTTPS is the same over HTTPS: the answer is what a handler of DNS writes.
func overHTTPS(t *testing.T, answer dns.HandlerFunc) *secured {
	t.Helper()
	cert, roots := certificate(t)
	u := &secured{roots: roots}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		message, err := io.ReadAll(r.Body)
		if err != nil {
			return // a slow machine was asked again, and the first exchange abandoned
		}
		q := new(dns.Msg)
		if err := q.Unpack(message); err != nil {
			t.Errorf("asked %x, %v", message, err)
			return
		}
		w.Header().Set("Content-Type", "application/dns-message")
		answer(httpWriter{w}, q)
	}))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it logs that our client is strict
	s.Listener = counted{s.Listener, &u.connections}
	s.StartTLS()
	t.Cleanup(s.Close)
	u.url = "https://" + s.Listener.Addr().String() + "/dns-query"
	return u
}

// httpWriter writes a reply as the body of an HTTP response.
type httpWriter struct{ http.ResponseWriter }

func (w httpWriter) WriteMsg(m *dns.Msg) error {
	b, err := m.Pack()
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}
func (httpWriter) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (httpWriter) RemoteAddr() net.Addr { return &net.TCPAddr{} }
func (httpWriter) Close() error         { return nil }
func (httpWriter) TsigStatus() error    { return nil }
func (httpWriter) TsigTimersOnly(bool)  {}
func (httpWriter) Hijack()              {}

// securely is a server that asks an upstream, whose certificate has to be for a
// name and from one of the roots.
func securely(t *testing.T, u *secured, name string, roots *x509.CertPool) *Server {
	t.Helper()
	parsed, err := upstream.ParseServer(u.url + name)
	if err != nil {
		t.Fatal(err)
	}
	set := settings()
	set.Upstreams.Servers = []upstream.Server{parsed}
	s, err := New(Config{Zone: newZone(t).Snapshot, Settings: set, Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	return start(t, s)
}

// connected asks until a connection is kept, which is so once Run runs, and
// returns how many there were. On a slow machine that of the first probe is yet to
// come.
func connected(t *testing.T, s *Server, u *secured) (connections int32) {
	t.Helper()
	eventually(t, func() bool {
		connections = u.connections.Load()
		return rcodeOf(t, s, "first.example.org", dns.TypeA) == "NOERROR" && u.connections.Load() == connections
	})
	return connections
}

// Each encrypted protocol, with the function that makes its server.
var secure = map[string]func(*testing.T, dns.HandlerFunc) *secured{"TLS": overTLS, "HTTPS": overHTTPS}

// Shows RFC 8484 9.
func TestCertificatesAreVerified(t *testing.T) {
	for protocol, serve := range secure {
		for name, tt := range map[string]struct {
			name, fails string
			stranger    bool
		}{
			"by name":         {"#example.com", "", false},
			"by address":      {"", "", false},
			"another name":    {"#evil.example", "evil.example", false},
			"an unknown root": {"#example.com", "unknown authority", true},
		} {
			t.Run(protocol+" "+name, func(t *testing.T) {
				u := serve(t, answering(answered60))
				roots := u.roots
				if tt.stranger {
					roots = x509.NewCertPool()
				}
				m, l := resolve(t.Context(), securely(t, u, tt.name, roots), asked, dns.TypeA)
				switch {
				case tt.fails == "" && (m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1):
					t.Errorf("got\n%v", m)
				case tt.fails != "" && (m.Rcode != dns.RcodeServerFailure || len(l.Extended) == 0 || !strings.Contains(wire.ExtendedText(l.Extended[0]), tt.fails)):
					t.Errorf("got %v with\n%v\nwant an extended error with %q", l.Extended, m, tt.fails)
				}
			})
		}
	}
}

// Many queries share a connection, and a slow one delays no other.
// Shows RFC 7766 6.2.1.
func TestSecureConnectionIsShared(t *testing.T) {
	for protocol, serve := range secure {
		t.Run(protocol, func(t *testing.T) {
			release := make(chan struct{})
			u := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
				answer := func() {
					if strings.HasPrefix(q.Question[0].Name, "slow.") {
						<-release
					}
					answering(q.Question[0].Name+" 60 IN A 192.0.2.1")(w, q)
				}
				if protocol == "HTTPS" {
					answer() // has a goroutine of its own
				} else {
					go answer()
				}
			})
			s := securely(t, u, "#example.com", u.roots)
			ask := func(name string) {
				if got := rcodeOf(t, s, name, dns.TypeA); got != "NOERROR" {
					t.Errorf("%s: got %s", name, got)
				}
			}
			before := connected(t, s, u)
			var slow, quick sync.WaitGroup
			// It may be abandoned if the others take that long.
			slow.Go(func() { resolve(t.Context(), s, "slow.example.org", dns.TypeA) })
			for i := range 20 {
				quick.Go(func() { ask(string(rune('a'+i)) + ".example.org") })
			}
			quick.Wait()
			close(release)
			slow.Wait()
			if n := u.connections.Load() - before; n > 1 {
				t.Errorf("%d connections more for 21 queries", n)
			}
		})
	}
}

// A peer may close a connection that it takes for idle just when a query comes.
// Shows RFC 7766 6.2.4d.
func TestClosedConnectionCostsNoAnswer(t *testing.T) {
	var second atomic.Int32
	u := overTLS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if strings.HasPrefix(q.Question[0].Name, "second.") && second.Add(1) == 1 {
			_ = w.Close()
			return
		}
		answering(q.Question[0].Name+" 60 IN A 192.0.2.1")(w, q)
	})
	s := securely(t, u, "#example.com", u.roots)
	before := connected(t, s, u)
	answered := func(name string) {
		if got := rcodeOf(t, s, name, dns.TypeA); got != "NOERROR" {
			t.Errorf("%s: %s", name, got)
		}
	}
	answered("second.example.org")
	if n := u.connections.Load() - before; n < 1 || second.Load() != 2 {
		t.Errorf("%d connections more, asked %d times", n, second.Load())
	}
	answered("third.example.org")
	if status := s.UpstreamStatus()[0]; status.State != upstream.Good || status.Counts.Failures != 0 {
		t.Errorf("got %+v", status)
	}
}
