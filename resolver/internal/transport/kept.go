package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"time"
)

// Limits bound the connections to one server. Zero values are replaced by the
// defaults.
type Limits struct {
	// Idle is for how long a connection without queries is kept; 10 s. RFC
	// 7766, section 6.2.3, asks for seconds rather than minutes.
	Idle time.Duration
	// InFlight is how many queries a connection carries concurrently; 128.
	InFlight int
	// Connections open concurrently; 4. There is a second one only when the first
	// is full or silent, as RFC 7766, section 6.2.2, requires.
	Connections int
	// Apart is how many there are to a server that takes one query for each; 8.
	Apart int
	// Dial is how long a connection may take to be established; 3 s.
	Dial time.Duration
}

func (l Limits) withDefaults() Limits {
	l.Idle = cmp.Or(l.Idle, 10*time.Second)
	l.InFlight = cmp.Or(l.InFlight, 128)
	l.Connections = cmp.Or(l.Connections, 4)
	l.Apart = cmp.Or(l.Apart, 8)
	l.Dial = cmp.Or(l.Dial, 3*time.Second)
	return l
}

const (
	// maxSends is how often a query is sent to a server (RFC 9520, section 3.1).
	maxSends = 3
	// maxUnsent is on how many connections a query may fail to be sent. Where
	// many wait for a server that takes one at a time, some are let down often.
	maxUnsent = 64
	// The bounds of how long a kept connection may be silent until it is in doubt.
	minSilence = 200 * time.Millisecond
	maxSilence = time.Second
)

var (
	errHungUp = errors.New("the connection was closed")
	errClosed = fmt.Errorf("%w", errHungUp) // when it was ready: a query is sent again
	errUnsent = fmt.Errorf("%w before the query was sent", errClosed)
	errSilent = fmt.Errorf("%w: nothing came over it", errClosed)
)

// hungUp reports whether the other side has ended a connection. It depends on what
// was under way which of these errors that is; so they are one, errHungUp.
func hungUp(err error) bool {
	return slices.ContainsFunc([]error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed},
		func(sign error) bool { return errors.Is(err, sign) })
}

// ended is the error of a connection that was ready, and at which another one
// has happened.
func ended(err error) error {
	if hungUp(err) {
		return errClosed
	}
	return fmt.Errorf("%w: %w", errClosed, err)
}

// Kept asks a server over connections that are kept and shared, whatever they
// speak: queries are pipelined, and replies may come in any order. It may be used
// concurrently.
//
// A DNS query may always be sent again. When its connection ends, it is sent on
// another one; when a connection that was kept is silent for longer than the
// server usually takes, on a new one beside it as well.
type Kept struct {
	pool
}

// RoundTrip sends a query and returns the reply. The query's bytes are not
// changed. It waits for a place on a connection if there is none, and returns
// ErrBusy if there is none before ctx ends.
func (k *Kept) RoundTrip(ctx context.Context, query []byte, accept Accept) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the sends whose reply is not awaited
	conn, err := k.take(ctx)
	if err != nil {
		return nil, err
	}
	x := exchange{kept: k, query: query, accept: accept, replies: make(chan reply, maxSends)}
	x.send(ctx, conn)
	silence := time.NewTimer(k.patience())
	defer silence.Stop()
	for {
		select {
		case <-ctx.Done():
			x.giveUp()
			return nil, context.Cause(ctx)
		case <-silence.C:
			left := k.patience() - x.quiet()
			if left <= 0 {
				if conn := x.beside(); conn != nil {
					x.send(ctx, conn)
				}
				left = k.patience()
			}
			silence.Reset(left)
		case r := <-x.replies:
			x.pending--
			switch {
			case r.err == nil:
				x.settle(r)
				return r.message, nil
			case ctx.Err() != nil:
				x.giveUp()
				return nil, context.Cause(ctx)
			case x.pending > 0:
				continue // it is on its way on another connection
			case errors.Is(r.err, errUnsent) && x.unsent < maxUnsent-1:
				x.unsent++
				x.sends = x.sends[:len(x.sends)-1]
			case !errors.Is(r.err, errClosed), errors.Is(r.err, errUnsent), len(x.sends) == maxSends:
				return nil, r.err
			}
			if conn, err = k.take(ctx); err != nil {
				return nil, err
			}
			x.send(ctx, conn)
			silence.Reset(k.patience())
		}
	}
}

// exchange is one query on its way.
type exchange struct {
	kept    *Kept
	query   []byte
	accept  Accept
	sends   []sent
	unsent  int        // times that it was not sent
	pending int        // sends without a result
	replies chan reply // has room for all
}

// sent is one sending of a query.
type sent struct {
	conn *connection
	at   time.Time
}

// reply is its result.
type reply struct {
	sent
	message []byte
	err     error
}

func (x *exchange) send(ctx context.Context, conn *connection) {
	s := sent{conn, time.Now()}
	x.sends = append(x.sends, s)
	x.pending++
	began := x.kept.scope.Go(func() {
		message, err := conn.roundTrip(ctx, x.query, x.accept)
		x.kept.leave(conn, err == nil)
		x.replies <- reply{s, message, err}
	})
	if !began {
		x.kept.leave(conn, false)
		x.replies <- reply{s, nil, ErrEnded}
	}
}

// quiet is for how long nothing has come over the last connection.
func (x *exchange) quiet() time.Duration {
	last := x.sends[len(x.sends)-1]
	return last.conn.quiet(last.at)
}

// beside returns a connection beside the last one, which is silent, if that was
// kept and there may be another.
func (x *exchange) beside() *connection {
	last := x.sends[len(x.sends)-1]
	if len(x.sends) == maxSends || !last.conn.wasKept() {
		return nil
	}
	return x.kept.replace(last.conn)
}

// settle ends the connections that another one's reply has shown to be gone.
func (x *exchange) settle(r reply) {
	x.kept.learn(time.Since(r.at))
	for _, s := range x.sends {
		if s.conn != r.conn && s.at.Before(r.at) && s.conn.silent() {
			s.conn.end(errSilent)
		}
	}
}

// giveUp ends the connections that were silent for long: the next query gets a
// new one.
func (x *exchange) giveUp() {
	for _, s := range x.sends {
		if s.conn.quiet(s.at) >= maxSilence {
			s.conn.end(errSilent)
		}
	}
}
