package memory

import (
	"context"
	"net"
)

// mortal is a listener whose connections end with a context. The server itself
// does not know of one before its handshake is done, and would wait for that.
type mortal struct {
	net.Listener
	ctx context.Context
}

func (l mortal) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(l.ctx, func() { _ = conn.Close() })
	return mortalConn{conn, stop}, nil
}

type mortalConn struct {
	net.Conn
	closed func() bool
}

func (c mortalConn) Close() error {
	c.closed()
	return c.Conn.Close()
}
