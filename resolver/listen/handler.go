package listen

import (
	"context"
	"net/netip"
	"time"
)

// Client is the sender of a query, and how it was sent.
type Client struct {
	Addr netip.AddrPort
	TCP  bool
	// Busy means that the client has as many queries in flight on its
	// connection as it may. The Handler then must not return a Wait.
	Busy bool
	// Now is when the query was received, by the Clock of the Sockets; zero
	// without one. The queries of a batch share it.
	Now time.Duration
}

// Wait finishes a query that takes time. It returns the reply, or nil for none,
// and returns early when ctx ends, which is [Limits].Grace after that of Serve. It
// must be called exactly once, from any goroutine.
type Wait func(ctx context.Context) []byte

// Handler answers queries. That of a UDP socket is called by one goroutine
// only, that of the TCP connections concurrently by many.
type Handler interface {
	// Handle returns the reply to a message, or a Wait for it; with neither the
	// client gets no reply. The message belongs to the caller and is
	// overwritten after Handle has returned, so a Wait must not refer to it.
	// The reply may use the buffer, which is empty and has room for one over
	// UDP. It may not use memory that a later call writes to: replies are sent
	// when a batch of queries has been handled.
	Handle(message []byte, client Client, buffer []byte) ([]byte, Wait)
}
