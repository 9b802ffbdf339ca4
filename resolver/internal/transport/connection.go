package transport

import (
	"context"
	"errors"
	"sync"
	"time"
)

// carrier carries queries to a server over one connection, and the replies back.
type carrier interface {
	// roundTrip sends a query and waits for its reply. An error that is errClosed
	// means that the connection has ended, which says nothing of the query, and
	// one that is errUnsent that it was not sent either.
	roundTrip(ctx context.Context, query []byte, accept Accept) ([]byte, error)
	// serve reads until the connection ends, and returns why it did.
	serve() error
	// close ends the connection.
	close()
	// heard is when data last arrived; zero before the first.
	heard() time.Time
	// takes reports whether it takes another query now.
	takes() bool
}

// connection is one of those that are kept for a server.
type connection struct {
	ready chan struct{} // closed when carrier is set
	done  chan struct{} // closed when err is set

	// Of the pool, whose lock guards them.
	load int  // queries that have a place on it
	used bool // it has answered a query
	idle *time.Timer

	mu      sync.Mutex
	carrier carrier
	opened  time.Time // when it was ready
	err     error     // why it has ended
	doubted time.Time // when it was found to be silent
}

func newConnection() *connection {
	return &connection{ready: make(chan struct{}), done: make(chan struct{})}
}

// open lets queries use the connection, unless it has ended already, and
// reports whether it did.
func (c *connection) open(carrier carrier) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.carrier, c.opened = carrier, time.Now()
	close(c.ready)
	return true
}

// end ends the connection for all queries on it, unless it has ended.
func (c *connection) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	close(c.done)
	if c.carrier != nil {
		c.carrier.close()
	}
}

func (c *connection) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// takes reports whether it takes another query now, as far as is known.
func (c *connection) takes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err == nil && (c.carrier == nil || c.carrier.takes())
}

// quiet is for how long nothing has come, since a point in time at most; 0 while
// the connection is not ready.
func (c *connection) quiet(since time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.carrier == nil {
		return 0
	}
	for _, sign := range []time.Time{c.opened, c.carrier.heard()} {
		if sign.After(since) {
			since = sign
		}
	}
	return time.Since(since)
}

// wasKept reports whether the server has used the connection before. How long a
// new one takes is not known.
func (c *connection) wasKept() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.carrier != nil && !c.carrier.heard().IsZero()
}

// doubt notes that it is silent.
func (c *connection) doubt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doubted = time.Now()
}

// silent reports whether nothing came since it was doubted.
func (c *connection) silent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.doubted.IsZero() && c.carrier != nil && !c.carrier.heard().After(c.doubted)
}

// roundTrip sends a query once the connection is ready.
func (c *connection) roundTrip(ctx context.Context, query []byte, accept Accept) ([]byte, error) {
	select {
	case <-c.ready:
	case <-c.done:
		if errors.Is(c.err, errClosed) {
			return nil, errUnsent
		}
		return nil, c.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	message, err := c.carrier.roundTrip(ctx, query, accept)
	if err != nil && !errors.Is(err, errUnsent) && c.ended() {
		return nil, c.err
	}
	return message, err
}
