package curator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"google.golang.org/grpc/credentials"
)

// alertCredentials note the alert by which a server refuses our certificate.
// In TLS 1.3 (RFC 8446, section 4.4) it comes when the handshake is over for
// the client, and its first write may fail before it has read the alert. So
// what gRPC reports is a broken pipe, which does not show the reason.
type alertCredentials struct {
	credentials.TransportCredentials
	note func(error)
}

func (c alertCredentials) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		return nil, nil, err
	}
	return &alertConn{Conn: conn, note: c.note}, info, nil
}

func (c alertCredentials) Clone() credentials.TransportCredentials {
	return alertCredentials{c.TransportCredentials.Clone(), c.note}
}

// refusedError means that a curator does not accept our certificate.
type refusedError struct{ alert error }

func (e *refusedError) Error() string {
	return fmt.Sprintf("it refuses this node's certificate: is that of the same cluster? (%v)", e.alert)
}

func (e *refusedError) Unwrap() error { return e.alert }

type alertConn struct {
	net.Conn
	note     func(error)
	accepted atomic.Bool // since the server sent anything
}

func (c *alertConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.accepted.Store(true)
	}
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" && !c.accepted.Load() {
		c.note(&refusedError{err})
	}
	return n, err
}

// Write looks for the alert when it fails. The connection is lost by then, so
// no reader misses what is read, and reading does not block.
func (c *alertConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil && !c.accepted.Load() {
		_, _ = c.Read(make([]byte, 1))
	}
	return n, err
}
