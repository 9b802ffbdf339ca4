package curator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/nodedns/nodedns/watchers/curator/nodetls"
)

const (
	// connectTimeout bounds one attempt, from the first packet to the end of
	// the handshakes.
	connectTimeout = 5 * time.Second
	// Together these two bound the time in which a partition is noticed.
	keepaliveTime    = 10 * time.Second
	keepaliveTimeout = 5 * time.Second
)

// newClient prepares a connection, which the first call on it opens.
func (w *Watcher) newClient(p *plan, c *connection) (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	if p.credentials != nil {
		transport = alertCredentials{credentials.NewTLS(w.clientConfig(p, c)), c.attempt.note}
	}
	return grpc.NewClient("passthrough:///"+c.endpoint.Address(),
		grpc.WithTransportCredentials(transport),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			c.attempt.begin()
			conn, err := w.connect(ctx, c.endpoint)
			c.attempt.note(err)
			if err != nil {
				return nil, err
			}
			return w.sockets.add(conn), nil
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithConnectParams(grpc.ConnectParams{
			MinConnectTimeout: connectTimeout,
			Backoff:           backoff.Config{BaseDelay: connectTimeout, MaxDelay: connectTimeout},
		}),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithNoProxy(),
		grpc.WithIdleTimeout(0),
		grpc.WithUserAgent("nodedns"),
	)
}

// clientConfig accepts a node of the cluster that may speak for it. The
// handshake is where both are decided, so that nothing is sent to another one.
func (w *Watcher) clientConfig(p *plan, c *connection) *tls.Config {
	config := p.credentials.ClientConfig(w.cfg.Prefix, c.attempt.note)
	ofTheCluster := config.VerifyConnection
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if err := ofTheCluster(state); err != nil {
			return err
		}
		id := nodetls.PeerID(state.PeerCertificates[0], w.cfg.Prefix)
		c.node.Store(&id)
		err := w.admit(p, c.endpoint, id)
		c.attempt.note(err)
		return err
	}
	return config
}

// connect opens the TCP connection.
func (w *Watcher) connect(ctx context.Context, endpoint Endpoint) (net.Conn, error) {
	if endpoint.node != "" {
		return w.connectNode(ctx, endpoint)
	}
	conn, err := w.dialContext(ctx, "tcp", endpoint.Address())
	if err != nil || !w.cfg.Insecure || isLoopback(conn.RemoteAddr()) {
		return conn, err
	}
	// Only a name can get here, by a resolver's answer.
	_ = conn.Close()
	return nil, fmt.Errorf("plain text to %s, which is not loopback, is refused", conn.RemoteAddr())
}

// connectNode tries each known address of a node in turn.
func (w *Watcher) connectNode(ctx context.Context, endpoint Endpoint) (net.Conn, error) {
	var addrs []netip.Addr
	if w.cfg.Resolve != nil {
		addrs = w.cfg.Resolve(endpoint.node)
	}
	if len(addrs) == 0 {
		return nil, errors.New("no address of this node is known yet: name at least one endpoint as host:port")
	}
	var failed failures
	for i, addr := range addrs {
		conn, err := w.dialShare(ctx, addr, endpoint.port, len(addrs)-i)
		if err == nil {
			return conn, nil
		}
		failed = append(failed, err)
	}
	return nil, failed
}

// dialShare dials one address within its share of the time that is left for
// this and the remaining ones.
func (w *Watcher) dialShare(ctx context.Context, addr netip.Addr, port uint16, shares int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(shares))
		defer cancel()
	}
	return w.dialContext(ctx, "tcp", net.JoinHostPort(addr.String(), strconv.Itoa(int(port))))
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// cause keeps the first reason for which an attempt to connect failed. gRPC
// reports such reasons as text only, wrapped several times.
type cause struct {
	mu  sync.Mutex
	err error
}

// begin starts another attempt.
func (c *cause) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = nil
}

// note ignores what was cancelled: that is a consequence, of the attempt's end
// usually, and no reason.
func (c *cause) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && !errors.Is(err, context.Canceled) {
		c.err = err
	}
}

func (c *cause) or(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	return err
}
