package upstream

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit/nameserver"
)

// serveTLS is a DNS server over TLS on loopback, whose certificate is for
// dns.example and 127.0.0.1.
func serveTLS(t *testing.T, s script) (addr netip.AddrPort, roots *x509.CertPool, connections *atomic.Int32) {
	t.Helper()
	cert, roots := certificate(t, "dns.example", net.IPv4(127, 0, 0, 1))
	inner, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections = new(atomic.Int32)
	listener := tls.NewListener(counting{inner, connections}, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"dot"}})
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(s), MaxTCPQueries: -1}
	nameserver.Run(t, server)
	return inner.Addr().(*net.TCPAddr).AddrPort(), roots, connections
}

// counting counts the connections that it accepts.
type counting struct {
	net.Listener
	n *atomic.Int32
}

func (l counting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.n.Add(1)
	}
	return conn, err
}

func TestTLS(t *testing.T) {
	addr, roots, _ := serveTLS(t, answering("192.0.2.1"))
	tests := map[string]struct {
		server Server
		roots  *x509.CertPool
		fails  string
	}{
		"by name":         {Server{TLS, addr, "dns.example", ""}, roots, ""},
		"by address":      {Server{TLS, addr, "", ""}, roots, ""},
		"another name":    {Server{TLS, addr, "evil.example", ""}, roots, "evil.example"},
		"an unknown root": {Server{TLS, addr, "dns.example", ""}, x509.NewCertPool(), "unknown authority"},
		"no TLS at all":   {hangingUp(t, TLS, func(*net.TCPConn) {}), roots, "closed"},
		"no server there": {Server{TLS, unreachable(t), "", ""}, roots, "refused"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := New(Config{Roots: tt.roots})
			p.total = long
			g := p.Use(Options{Timeout: long}, []Server{tt.server})[0]
			got, err := g.Exchange(t.Context(), query("www.example."))
			switch {
			case tt.fails == "" && (err != nil || firstA(got.Msg) != "192.0.2.1"):
				t.Errorf("got %v, %v", got, err)
			case tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)):
				t.Errorf("got %v, %v; want an error with %q", got, err, tt.fails)
			}
		})
	}
}

// Many queries share a connection, and a slow one does not delay the others.
// Shows RFC 7766 6.2.1.1b.
func TestTLSIsPipelined(t *testing.T) {
	release := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Add(20)
	addr, roots, connections := serveTLS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		go func() {
			if strings.HasPrefix(q.Question[0].Name, "slow.") {
				<-release
			}
			_ = w.WriteMsg(reply(q, "192.0.2.1"))
		}()
	})
	p := New(Config{Roots: roots})
	g := p.Use(Options{Timeout: long}, []Server{{TLS, addr, "dns.example", ""}})[0]
	p.total = long
	defer run(t, p)()
	slow := make(chan error, 1)
	go func() {
		_, err := g.Exchange(t.Context(), query("slow.example."))
		slow <- err
	}()
	for range 20 {
		go func() {
			defer waiting.Done()
			if _, err := g.Exchange(t.Context(), query("quick.example.")); err != nil {
				t.Error(err)
			}
		}()
	}
	waiting.Wait()
	close(release)
	if err := <-slow; err != nil {
		t.Error(err)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestEncryptedQueriesArePadded(t *testing.T) {
	lengths := make(chan int, 2)
	addr, roots, _ := serveTLS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		lengths <- q.Len()
		_ = w.WriteMsg(reply(q, "192.0.2.1"))
	})
	p := New(Config{Roots: roots})
	g := p.Use(Options{}, []Server{{TLS, addr, "dns.example", ""}})[0]
	for _, name := range []string{"a.example.", strings.Repeat("long.", 10) + "example."} {
		if _, err := g.Exchange(t.Context(), query(name)); err != nil {
			t.Fatal(err)
		}
		if n := <-lengths; n != paddedTo {
			t.Errorf("%s: %d octets", name, n)
		}
	}
}

// answerHTTP answers as RFC 8484 has it. A query that is cut off, as a probe is
// when the pool ends, gets no answer.
func answerHTTP(t *testing.T, w http.ResponseWriter, r *http.Request) {
	message, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	q := new(dns.Msg)
	if q.Unpack(message) != nil || binary.BigEndian.Uint16(message) != 0 || r.Method != http.MethodPost ||
		r.Header.Get("Content-Type") != "application/dns-message" || r.Header.Get("Accept") != "application/dns-message" || r.URL.Path != "/dns-query" || r.ProtoMajor != 2 {
		t.Errorf("asked by %s %v: %v, %x", r.Method, r.URL, r.Header, message)
	}
	answer, _ := reply(q, "192.0.2.1").Pack()
	w.Header().Set("Content-Type", "application/dns-message")
	_, _ = w.Write(answer)
}

// Shows RFC 8484 4.1a, 4.1b, 5.2, 6, 9.
func TestHTTPS(t *testing.T) {
	cert, roots := certificate(t, "dns.example", net.IPv4(127, 0, 0, 1))
	tests := map[string]struct {
		name  string
		serve http.HandlerFunc
		fails string
	}{
		"by name":      {"dns.example", func(w http.ResponseWriter, r *http.Request) { answerHTTP(t, w, r) }, ""},
		"by address":   {"", func(w http.ResponseWriter, r *http.Request) { answerHTTP(t, w, r) }, ""},
		"another name": {"evil.example", nil, "evil.example"},
		"an error":     {"", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "502"},
		"elsewhere": {"", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, "307"},
		"a web page": {"", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "text/html"},
		"too long": {"", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/dns-message")
			_, _ = w.Write(make([]byte, 70000))
		}, "not the reply"},
		"no message": {"", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/dns-message")
		}, "not the reply"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(tt.serve)
			server.EnableHTTP2 = true
			server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
			server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains when the client is strict
			server.StartTLS()
			defer server.Close()
			p := New(Config{Roots: roots})
			addr := server.Listener.Addr().(*net.TCPAddr).AddrPort()
			g := p.Use(Options{}, []Server{{HTTPS, addr, tt.name, "/dns-query"}})[0]
			stop := run(t, p)
			got, err := g.Exchange(t.Context(), query("www.example."))
			stop()
			switch {
			case tt.fails == "" && (err != nil || firstA(got.Msg) != "192.0.2.1"):
				t.Errorf("got %v, %v", got, err)
			case tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)):
				t.Errorf("got %v, %v; want an error with %q", got, err, tt.fails)
			}
		})
	}
}
