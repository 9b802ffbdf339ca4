package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// StreamLimits bound the connections to one server. Zero values are replaced
// by the defaults.
type StreamLimits struct {
	// Idle is for how long a connection without queries is kept; 10 s. RFC
	// 7766, section 6.2.3, asks for seconds rather than minutes.
	Idle time.Duration
	// InFlight is how many queries a connection carries concurrently; 128.
	InFlight int
	// Connections open concurrently; 4. There is a second one only when the first
	// is full, as RFC 7766, section 6.2.2, requires.
	Connections int
	// Dial is how long a connection may take to be established; 3 s.
	Dial time.Duration
}

func (l StreamLimits) withDefaults() StreamLimits {
	l.Idle = cmp.Or(l.Idle, 10*time.Second)
	l.InFlight = cmp.Or(l.InFlight, 128)
	l.Connections = cmp.Or(l.Connections, 4)
	l.Dial = cmp.Or(l.Dial, 3*time.Second)
	return l
}

// Stream asks a server over connections that are kept and shared: queries are
// pipelined, and replies may come in any order (RFC 7766). It may be used
// concurrently.
type Stream struct {
	dial   Dial
	scope  *Scope
	limits StreamLimits

	mu    sync.Mutex
	conns []*connection
	load  map[*connection]int // queries on each
}

// NewStream returns a Stream without connections. The scope owns the goroutines
// of its connections.
func NewStream(scope *Scope, dial Dial, limits StreamLimits) *Stream {
	return &Stream{dial: dial, scope: scope, limits: limits.withDefaults(), load: map[*connection]int{}}
}

// RoundTrip sends a query, with an ID that is unique on its connection, and returns
// the reply. When a connection that was there before turns out to be closed
// the query is sent once more, on a new one: a server may close an idle
// connection at any time. The query's bytes are not changed.
func (s *Stream) RoundTrip(ctx context.Context, query []byte, accept Accept) ([]byte, error) {
	conn, fresh, err := s.take(false)
	if err != nil {
		return nil, err
	}
	message, err := conn.roundTrip(ctx, query, accept)
	s.leave(conn)
	if fresh || !errors.Is(err, errClosed) || ctx.Err() != nil {
		return message, err
	}
	if conn, _, err = s.take(true); err != nil {
		return nil, err
	}
	defer s.leave(conn)
	return conn.roundTrip(ctx, query, accept)
}

// take finds room on a connection, or makes a new one, which is then fresh.
func (s *Stream) take(wantFresh bool) (conn *connection, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = slices.DeleteFunc(s.conns, (*connection).isDone)
	if !wantFresh {
		for _, conn := range s.conns {
			if s.load[conn] < s.limits.InFlight {
				s.load[conn]++
				return conn, false, nil
			}
		}
	}
	if len(s.conns) >= s.limits.Connections {
		return nil, false, ErrBusy
	}
	conn = newConnection(s.limits.Idle)
	if !s.scope.Go(func() { s.serve(conn) }) {
		return nil, false, ErrEnded
	}
	s.conns = append(s.conns, conn)
	s.load[conn]++
	return conn, true, nil
}

func (s *Stream) leave(conn *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.load[conn]--; s.load[conn] == 0 {
		delete(s.load, conn)
	}
}

// serve connects, and reads until the connection or the scope ends. Connecting
// belongs to no single query: the first may have given up when others still
// wait.
func (s *Stream) serve(conn *connection) {
	ctx, cancel := context.WithTimeout(s.scope.Context(), s.limits.Dial)
	stream, err := s.dial(ctx)
	cancel()
	if err != nil {
		conn.fail(fmt.Errorf("connect: %w", err))
		return
	}
	defer stream.Close() // unread data is discarded
	defer context.AfterFunc(s.scope.Context(), func() { _ = stream.Close() })()
	if conn.open(stream) {
		conn.fail(conn.read())
	}
}

// Close closes the connections that no query waits on, and leaves the others to
// their idle time.
func (s *Stream) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		if s.load[conn] == 0 {
			conn.fail(errClosed)
		}
	}
}
