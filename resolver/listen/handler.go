package listen

import (
	"context"
	"net/netip"
	"time"
)

// Client is who sent a query, and how.
type Client struct {
	Addr netip.AddrPort
	TCP  bool
	// Busy says that the client has as many queries in flight on its
	// connection as it may. The Handler then must not return a Wait.
	Busy bool
}

// Wait finishes a query that takes time. It returns the reply, or nil for
// silence, and returns early when ctx ends. It must be called exactly once,
// from any goroutine.
type Wait func(ctx context.Context) []byte

// Handler answers queries. It is called concurrently.
type Handler interface {
	// Handle returns the reply to a message, or a Wait for it; with neither
	// the client gets silence. The message belongs to the caller and is
	// overwritten after Handle has returned, so a Wait must not refer to it.
	// The reply may use the buffer, which is empty and has room for one
	// over UDP.
	Handle(message []byte, client Client, buffer []byte) ([]byte, Wait)
}

// Limits bound what clients can take up. The zero value of a field stands for
// its default.
type Limits struct {
	Connections int           // TCP connections in all: 1024
	PerClient   int           // of them from one address, loopback excepted: 64
	InFlight    int           // queries that wait, for each connection: 128
	Idle        time.Duration // a connection may be silent for this long: IdleTimeout
	Write       time.Duration // a client may take this long to take a reply: 2 s
}

// IdleTimeout is how long a TCP connection may be silent by default (RFC 7766,
// section 6.2.3).
const IdleTimeout = 10 * time.Second

func (l Limits) withDefaults() Limits {
	setDefault(&l.Connections, 1024)
	setDefault(&l.PerClient, 64)
	setDefault(&l.InFlight, 128)
	setDefault(&l.Idle, IdleTimeout)
	setDefault(&l.Write, 2*time.Second)
	return l
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
