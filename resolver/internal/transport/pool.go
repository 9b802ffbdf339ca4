package transport

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// apartFor is how long a server that closed a connection with several queries on
// it gets one query for each. It may have been restarted.
const apartFor = time.Minute

// pool has the connections to a server, and the queries that wait for a place on
// one.
type pool struct {
	dial   func(context.Context) (carrier, error)
	scope  *Scope
	limits Limits
	// pipelined is set if queries follow each other on a connection without waiting
	// for replies (RFC 7766, section 6.2.1.1). A server that takes one for each
	// connection can say so only by closing.
	pipelined bool

	mu      sync.Mutex
	conns   []*connection
	waiting []chan *connection // in the order of their coming; each has room for one
	apart   time.Time          // until when each query has a connection of its own
	usual   time.Duration      // how long replies take, at most, of late
}

// take finds a place on a connection, or makes a connection, or waits until there
// is one.
func (p *pool) take(ctx context.Context) (*connection, error) {
	p.mu.Lock()
	if p.scope.Context().Err() != nil {
		p.mu.Unlock()
		return nil, ErrEnded
	}
	place := make(chan *connection, 1)
	p.waiting = append(p.waiting, place)
	p.assign()
	p.mu.Unlock()
	select {
	case conn := <-place:
		return conn, nil
	case <-ctx.Done():
	case <-p.scope.Context().Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, place); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	} else {
		p.release(<-place) // it came just now
	}
	if p.scope.Context().Err() != nil {
		return nil, ErrEnded
	}
	return nil, ErrBusy
}

// assign gives the places that there are to the queries that wait. The caller
// holds mu.
func (p *pool) assign() {
	for len(p.waiting) > 0 {
		conn := p.place()
		if conn == nil {
			return
		}
		conn.load++
		p.waiting[0] <- conn
		p.waiting = p.waiting[1:]
	}
}

// place is a connection with room, which may be a new one. The caller holds mu.
func (p *pool) place() *connection {
	p.conns = slices.DeleteFunc(p.conns, (*connection).ended)
	apart := time.Now().Before(p.apart)
	for _, conn := range p.conns {
		if conn.load < p.limits.InFlight && conn.takes() && !conn.silent() && (!apart || conn.load == 0 && !conn.used) {
			return conn
		}
	}
	return p.connect()
}

// connect begins a connection, if there may be another. Those that are silent do
// not count, up to as many again. The caller holds mu.
func (p *pool) connect() *connection {
	most := p.limits.Connections
	if time.Now().Before(p.apart) {
		most = p.limits.Apart
	}
	silent := 0
	for _, conn := range p.conns {
		if conn.silent() {
			silent++
		}
	}
	if len(p.conns)-min(silent, most) >= most {
		return nil
	}
	conn := newConnection()
	if !p.scope.Go(func() { p.serve(conn) }) {
		return nil
	}
	p.conns = append(p.conns, conn)
	return conn
}

// replace returns a place on another connection than one that is silent; nil if
// there is none now.
func (p *pool) replace(silent *connection) *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	silent.doubt()
	conn := p.place()
	if conn != nil {
		conn.load++
	}
	return conn
}

// leave gives a place back.
func (p *pool) leave(conn *connection, answered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	conn.used = conn.used || answered
	p.release(conn)
}

// release is leave for callers that hold mu.
func (p *pool) release(conn *connection) {
	conn.load--
	switch {
	case conn.load > 0 || conn.ended():
	case conn.used && time.Now().Before(p.apart), !conn.takes():
		conn.end(errClosed)
	case conn.idle == nil:
		conn.idle = time.AfterFunc(p.limits.Idle, func() { p.closeIdle(conn) })
	default:
		conn.idle.Reset(p.limits.Idle)
	}
	p.assign()
}

// closeIdle ends a connection that has been without queries for long. One that
// has some again gets its time anew after them.
func (p *pool) closeIdle(conn *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if conn.load == 0 {
		conn.end(errClosed)
	}
}

// serve connects, and reads until the connection or the scope ends. Connecting
// belongs to no single query: the first may have given up when others still
// wait.
func (p *pool) serve(conn *connection) {
	ctx, cancel := context.WithTimeout(p.scope.Context(), p.limits.Dial)
	carrier, err := p.dial(ctx)
	cancel()
	if err != nil {
		if err = fmt.Errorf("connect: %w", err); hungUp(err) {
			err = errHungUp
		}
	} else {
		stop := context.AfterFunc(p.scope.Context(), carrier.close)
		if conn.open(carrier) {
			err = carrier.serve()
		}
		stop()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if conn.idle != nil {
		conn.idle.Stop()
	}
	if !conn.ended() && p.pipelined && carrier != nil && conn.load > 1 {
		p.apart = time.Now().Add(apartFor) // before its queries look for another one
	}
	conn.end(err)
	if carrier != nil {
		carrier.close()
	}
	p.assign()
}

// learn takes into account how long a reply took.
func (p *pool) learn(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.usual = max(took, p.usual-p.usual/8)
}

// patience is for how long a kept connection may be silent.
func (p *pool) patience() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(max(2*p.usual, minSilence), maxSilence)
}

// Close ends the connections that no query waits on, and leaves the others to
// their idle time. RoundTrip may be called after it.
func (p *pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		if conn.load == 0 {
			conn.end(errClosed)
		}
	}
}
