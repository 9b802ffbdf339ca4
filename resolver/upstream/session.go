package upstream

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"

	"github.com/nodedns/nodedns/resolver/internal/transport"
)

// roundTripper carries one query to a server and its reply back.
type roundTripper interface {
	RoundTrip(ctx context.Context, query []byte, accept transport.Accept) ([]byte, error)
	// Close releases what is kept for later queries. RoundTrip may be called
	// after it.
	Close()
}

// session is what exists while a Pool runs, or, when it does not, during one
// Exchange: connections, and goroutines.
type session struct {
	scope        *transport.Scope
	newTransport func(Server, *transport.Scope) roundTripper
	kept         bool // by a Run: what is late may be waited for

	mu         sync.Mutex
	transports map[Server]roundTripper
}

func newSession(ctx context.Context, newAsker func(Server, *transport.Scope) roundTripper, kept bool) *session {
	return &session{scope: transport.NewScope(ctx), newTransport: newAsker, kept: kept, transports: map[Server]roundTripper{}}
}

// transport is the one for a server, whose connections are shared.
func (s *session) transport(server Server) roundTripper {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.transports[server]
	if a == nil {
		a = s.newTransport(server, s.scope)
		s.transports[server] = a
	}
	return a
}

// forget closes the connections to some servers: those in use once they are
// idle.
func (s *session) forget(gone func(Server) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for server, a := range s.transports {
		if gone(server) {
			a.Close()
			delete(s.transports, server)
		}
	}
}

func all(Server) bool { return true }

// end ends all exchanges and waits for them.
func (s *session) end() {
	s.scope.End()
	s.forget(all)
}

// makeTransport makes the transport to a server.
func (p *Pool) makeTransport(server Server, scope *transport.Scope) roundTripper {
	over := func(network string) transport.Dial {
		return func(ctx context.Context) (net.Conn, error) { return p.dial(ctx, network, server.Addr) }
	}
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		RootCAs:            p.config.Roots,
		ServerName:         server.certified(),
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}
	switch server.Transport {
	case TCP:
		return transport.NewStream(scope, over("tcp"), transport.Limits{})
	case TLS:
		config.NextProtos = []string{"dot"}
		return transport.NewStream(scope, func(ctx context.Context) (net.Conn, error) {
			conn, err := p.dial(ctx, "tcp", server.Addr)
			if err != nil {
				return nil, err
			}
			return handshake(ctx, conn, config)
		}, transport.Limits{})
	case HTTPS:
		return transport.NewHTTPS(scope, server.url(), over("tcp"), config)
	}
	return transport.UDP{Dial: over("udp")}
}

func handshake(ctx context.Context, conn net.Conn, config *tls.Config) (net.Conn, error) {
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake's error is more informative
		return nil, err
	}
	return secured, nil
}

// dial connects to a server, unless that turns out to be us.
func (p *Pool) dial(ctx context.Context, network string, server netip.AddrPort) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	local, _ := netip.ParseAddrPort(conn.LocalAddr().String())
	if IsOwn(p.own(), server, local.Addr()) {
		_ = conn.Close() // nothing was sent
		return nil, errOwn
	}
	return conn, nil
}
