package listen

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// connection is a TCP connection with a client. Queries are read one after
// the other; each is answered as soon as its answer is there, whatever the
// order (RFC 7766, section 7).
type connection struct {
	conn   *net.TCPConn
	pool   *pool
	client netip.AddrPort

	write sync.Mutex // held while replies are written

	inFlight atomic.Int32
	mu       sync.Mutex
	active   time.Time // when it was opened, or the last query was read
}

// serve answers until the client is silent for too long, closes its side, sends
// what is not DNS, or ctx ends. Whatever has arrived and is in flight then is still
// answered, by the context for that: a client may well close its side after its last
// query.
func (c *connection) serve(ctx, inFlight context.Context) {
	defer c.pool.leave(c)
	defer c.conn.Close() // it is over either way
	// The deadline in the past ends a read that is waiting, and leaves the
	// writing of what is in flight alone.
	defer context.AfterFunc(ctx, func() { _ = c.conn.SetReadDeadline(past) })()
	var waiting sync.WaitGroup
	defer waiting.Wait()

	in := newInbox(&arrivals{TCPConn: c.conn, left: lastOctets})
	for {
		message, ok := c.read(ctx, &in)
		if !ok || !c.answer(inFlight, message, &in, &waiting) {
			return
		}
	}
}

// read waits for a message.
func (c *connection) read(ctx context.Context, in *inbox) ([]byte, bool) {
	// Set once for a message, so that sending it octet by octet does not
	// prolong the time.
	err := c.conn.SetReadDeadline(time.Now().Add(c.pool.limits.Idle))
	// Checked only now: the end of ctx may just have set the deadline that this one
	// replaced.
	if ctx.Err() != nil {
		err = c.conn.SetReadDeadline(past)
	}
	if err != nil {
		return nil, false
	}
	message, ok := in.next()
	if ok {
		c.mu.Lock()
		c.active = time.Now()
		c.mu.Unlock()
	}
	return message, ok
}

// answer answers a query and those that came with it, and reports whether to go
// on.
func (c *connection) answer(inFlight context.Context, message []byte, in *inbox, waiting *sync.WaitGroup) bool {
	out := c.pool.outboxes.take()
	defer c.pool.outboxes.give(out)
	client := Client{Addr: c.client, TCP: true, Now: c.pool.clock()}
	for {
		client.Busy = int(c.inFlight.Load()) >= c.pool.limits.InFlight
		reply, wait := c.pool.handler.Handle(message, client, out.scratch)
		switch {
		case wait != nil:
			c.inFlight.Add(1)
			waiting.Go(func() { c.await(inFlight, wait) })
		case reply == nil:
			// What gets no reply was not a query, and the connection of a
			// client that sends no queries is useless.
			c.send(out)
			return false
		default:
			out.add(reply)
		}
		if out.full() && !c.send(out) {
			return false
		}
		if !in.ready() {
			return c.send(out)
		}
		var ok bool
		if message, ok = in.next(); !ok {
			c.send(out)
			return false
		}
	}
}

// await sends a reply when it is ready.
func (c *connection) await(ctx context.Context, wait Wait) {
	defer c.inFlight.Add(-1)
	reply := wait(ctx)
	if reply == nil {
		return
	}
	out := c.pool.outboxes.take()
	defer c.pool.outboxes.give(out)
	out.add(reply)
	c.send(out)
}

// send sends the replies that were collected, and reports whether the client
// took them. One that does not is disconnected, since the stream is broken
// then.
func (c *connection) send(out *outbox) bool {
	if len(out.replies) == 0 {
		return true
	}
	c.write.Lock()
	defer c.write.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.pool.limits.Write)); err != nil {
		return false
	}
	if _, err := c.conn.Write(out.replies); err != nil {
		_ = c.conn.Close()
		return false
	}
	out.replies = out.replies[:0]
	return true
}

// idleSince returns since when the connection has been idle, if it is.
func (c *connection) idleSince() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.active, c.inFlight.Load() == 0
}
