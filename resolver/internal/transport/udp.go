package transport

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// UDP sends each query from a socket of its own.
type UDP struct {
	// Dial returns a connected UDP socket: with a port that the kernel chose
	// at random, closed to other addresses and ports, and failing on ICMP errors
	// when the server cannot be reached.
	Dial Dial
}

// RoundTrip sends a query, with a random ID, and returns the reply. The query's
// bytes are not changed.
func (u UDP) RoundTrip(ctx context.Context, query []byte, accept Accept) ([]byte, error) {
	conn, err := u.Dial(ctx)
	if err != nil {
		return nil, contextCause(ctx, err)
	}
	defer conn.Close() // nothing is pending on it
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	wire := slices.Clone(query)
	_, _ = rand.Read(wire[:2]) // never fails
	if _, err := conn.Write(wire); err != nil {
		return nil, contextCause(ctx, err)
	}
	for range maxIgnored {
		message, err := readDatagram(conn)
		if err != nil {
			return nil, contextCause(ctx, err)
		}
		if !isReply(message, messageID(wire)) {
			continue
		}
		if err := accept(message); !errors.Is(err, ErrNotOurs) {
			return message, err
		}
	}
	return nil, ErrFlooded
}

// readDatagram reads a datagram of any length: a server may exceed the size in the
// query. The memory for it is taken when it is there, and its length is known.
func readDatagram(conn net.Conn) ([]byte, error) {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	var length int
	var failed error // by the network: what was sent is refused
	err = raw.Read(func(fd uintptr) (done bool) {
		length, _, failed = unix.Recvfrom(int(fd), nil, unix.MSG_PEEK|unix.MSG_TRUNC)
		return failed != unix.EAGAIN
	})
	switch {
	case err != nil:
		return nil, err
	case failed != nil:
		return nil, &net.OpError{Op: "read", Net: "udp", Addr: conn.RemoteAddr(), Err: os.NewSyscallError("read", failed)}
	}
	message := make([]byte, max(length, 1)) // into none nothing is read
	n, err := conn.Read(message)
	return message[:n], err
}

// Close does nothing: no socket outlives its exchange.
func (UDP) Close() {}
