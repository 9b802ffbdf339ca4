package transport

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
)

// maxDatagram is the largest reply read over UDP: a server may exceed the size
// in the query.
const maxDatagram = 4096

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
	buffer := make([]byte, maxDatagram)
	for range maxIgnored {
		n, err := conn.Read(buffer)
		if err != nil {
			return nil, contextCause(ctx, err)
		}
		message := buffer[:n]
		if !isReply(message, messageID(wire)) {
			continue
		}
		if err := accept(message); !errors.Is(err, ErrNotOurs) {
			return message, err
		}
	}
	return nil, ErrFlooded
}

// Close does nothing: no socket outlives its exchange.
func (UDP) Close() {}
