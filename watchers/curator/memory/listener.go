package memory

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultRestart is how long a curator's port is closed when its role changes.
const DefaultRestart = 500 * time.Millisecond

// listener accepts the connections of one [Server.Serve]. They end with its
// context, since the gRPC server does not know of one before its handshake is
// done and would wait for that.
//
// They also end when the curator's role does. A real curator is started again in
// its new role, and until then its port is closed: so is that of a TCP listener
// here. Of other kinds, which can't be closed for a while, only the connections
// end.
type listener struct {
	net.Listener
	server *Server
	ctx    context.Context
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		role := l.server.roleContext()
		conn, err := l.acceptDuring(role)
		switch socket := l.socket(); {
		case role.Err() == nil || l.ctx.Err() != nil:
			// Nothing has changed, or nothing matters any more.
		case socket != nil:
			if err == nil {
				_ = conn.Close() // as closing the port would have done
			}
			if err := l.reopen(socket); err != nil {
				return nil, err
			}
			continue
		default:
			role = l.server.roleContext()
		}
		if err != nil {
			return nil, err
		}
		return l.tie(conn, role), nil
	}
}

// acceptDuring accepts one connection. The end of the role closes the port, and
// thereby ends the call.
func (l *listener) acceptDuring(role context.Context) (net.Conn, error) {
	closed := make(chan struct{})
	stop := context.AfterFunc(role, func() {
		defer close(closed)
		if socket := l.socket(); socket != nil {
			_ = onSocket(socket, closePort) // an error means that the listener has ended
		}
	})
	conn, err := l.Listener.Accept()
	if !stop() {
		<-closed
	}
	return conn, err
}

// socket is that of a TCP listener, or nil.
func (l *listener) socket() syscall.Conn {
	if tcp, ok := l.Listener.(*net.TCPListener); ok {
		return tcp
	}
	return nil
}

// reopen waits for as long as the port has to be closed, and opens it.
func (l *listener) reopen(socket syscall.Conn) error {
	select {
	case <-time.After(l.server.restart()):
	case <-l.ctx.Done():
		return net.ErrClosed
	}
	if err := onSocket(socket, func(fd int) error { return unix.Listen(fd, unix.SOMAXCONN) }); err != nil {
		return fmt.Errorf("opening %s again: %w", l.Addr(), err)
	}
	return nil
}

// closePort makes a listening socket refuse connections. In contrast to a closed
// one it keeps its port, so that the kernel gives that to no other socket.
func closePort(fd int) error {
	address, err := unix.Getsockname(fd)
	if err != nil {
		return err
	}
	if err := unix.Shutdown(fd, unix.SHUT_RD); err != nil {
		return err
	}
	// A port that the kernel chose is lost by that. Of others it reports that the
	// socket is bound already.
	if err := unix.Bind(fd, address); err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	return nil
}

func onSocket(socket syscall.Conn, call func(fd int) error) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	if err := raw.Control(func(fd uintptr) { result = call(int(fd)) }); err != nil {
		return err
	}
	return result
}

// tie lets a connection end with the role that accepted it, and with Serve.
func (l *listener) tie(conn net.Conn, role context.Context) net.Conn {
	end := func() { _ = conn.Close() }
	return tiedConn{conn, context.AfterFunc(l.ctx, end), context.AfterFunc(role, end)}
}

// tiedConn is forgotten by what would end it when it is closed.
type tiedConn struct {
	net.Conn
	untie, untieRole func() bool
}

func (c tiedConn) Close() error {
	c.untie()
	c.untieRole()
	return c.Conn.Close()
}
