package integration

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
)

// connected is a connection of an upstream of our own, as the server has it.
type connected struct {
	*net.TCPConn
	nth   int         // of the server's connections, from 1
	muted atomic.Bool // what is written is lost, as behind a NAT that forgot it
}

func (c *connected) Write(p []byte) (int, error) {
	if c.muted.Load() {
		return len(p), nil
	}
	return c.TCPConn.Write(p)
}

// connections is a listener that numbers what it accepts.
type connections struct {
	*net.TCPListener
	accepted int
}

func (l *connections) Accept() (net.Conn, error) {
	conn, err := l.AcceptTCP()
	l.accepted++
	return &connected{TCPConn: conn, nth: l.accepted}, err
}

// listenTCP listens on the machine's address, with a port of its own.
func (h *host) listenTCP() *connections {
	h.t.Helper()
	var l *net.TCPListener
	var err error
	h.do(func() { l, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(h.v4(), 0))) })
	must(h.t, err)
	return &connections{TCPListener: l}
}

// newStreams is an upstream over TCP, or over TLS where there is a configuration.
// It serves the nth connection from 1 until serve returns or the test ends.
func newStreams(h *host, config *tls.Config, serve func(nth int, conn net.Conn)) netip.AddrPort {
	h.t.Helper()
	listener := h.listenTCP()
	ctx, end := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return // closed, as the test has ended
			}
			conn, nth := raw, raw.(*connected).nth
			if config != nil {
				conn = tls.Server(raw, config)
			}
			tasks.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { raw.Close() })()
				serve(nth, conn)
			})
		}
	})
	h.t.Cleanup(func() {
		end()
		listener.Close()
		tasks.Wait()
	})
	return netip.MustParseAddrPort(listener.Addr().String())
}

type connKey struct{}

// newWeb is an upstream over HTTP/2. The test sees each query, on what connection
// it came and by which path, and writes the reply.
func newWeb(h *host, config *tls.Config, does func(w http.ResponseWriter, path string, q query, on *connected)) netip.AddrPort {
	h.t.Helper()
	listener := h.listenTCP()
	server := &http.Server{
		TLSConfig: config.Clone(),
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn.(*tls.Conn).NetConn())
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 2 {
				h.t.Errorf("a query over %s", r.Proto)
			}
			message, err := io.ReadAll(r.Body)
			if err != nil || len(message) < headerLen {
				return // it was given up
			}
			does(w, r.URL.Path, query(message), r.Context().Value(connKey{}).(*connected))
		}),
	}
	served := make(chan error, 1)
	go func() { served <- server.ServeTLS(listener, "", "") }()
	h.t.Cleanup(func() {
		server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			h.t.Error(err)
		}
	})
	return netip.MustParseAddrPort(listener.Addr().String())
}

// writeAnswer is what a server over HTTP should do.
func writeAnswer(w http.ResponseWriter, q query) {
	w.Header().Set("Content-Type", "application/dns-message")
	_, _ = w.Write(q.reply(goodRecord)) // the other side may have gone
}

// newCertificate is what servers prove with that they are secureName, and the
// root to trust for it.
func newCertificate(t testing.TB) (config *tls.Config, root string) {
	t.Helper()
	root, key := makeCertificate(t)
	pair, err := tls.X509KeyPair([]byte(root), []byte(key))
	must(t, err)
	return &tls.Config{Certificates: []tls.Certificate{pair}}, root
}
