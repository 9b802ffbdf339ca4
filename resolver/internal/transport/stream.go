package transport

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// writeLimit is how long writing a query to the socket's buffer may take. A
// peer that does not read for that long is gone.
const writeLimit = time.Second

// NewStream returns a Kept without connections, which frames each message by its
// length (RFC 1035, section 4.2.2, RFC 7766, RFC 7858). The scope owns the
// goroutines of its connections.
func NewStream(scope *Scope, dial Dial, limits Limits) *Kept {
	return &Kept{pool{scope: scope, limits: limits.withDefaults(), pipelined: true, dial: func(ctx context.Context) (carrier, error) {
		conn, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		return &stream{conn: conn, done: make(chan struct{}), writing: make(chan struct{}, 1), waiting: map[uint16]*waiter{}}, nil
	}}}
}

// stream is a carrier of messages that are framed by their length. An ID that is
// unique on it ties a reply to its query.
type stream struct {
	conn    net.Conn
	done    chan struct{} // closed by close
	writing chan struct{} // holds one element while a query is written

	mu       sync.Mutex
	waiting  map[uint16]*waiter
	lastRead time.Time
}

// waiter is a query that has no reply yet.
type waiter struct {
	accept Accept
	reply  chan []byte // buffered
}

func (s *stream) takes() bool { return true }

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
	default:
		close(s.done)
		_ = s.conn.Close() // wakes the reader
	}
}

func (s *stream) heard() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastRead
}

func (s *stream) roundTrip(ctx context.Context, query []byte, accept Accept) ([]byte, error) {
	w := &waiter{accept: accept, reply: make(chan []byte, 1)}
	id := s.enter(w)
	defer s.leave(id)
	if err := s.write(ctx, query, id); err != nil {
		return nil, err
	}
	select {
	case message := <-w.reply:
		return message, nil
	case <-s.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case message := <-w.reply: // it arrived just before the end
		return message, nil
	default:
		return nil, errClosed
	}
}

// enter registers a query under an ID that is unique on the stream.
func (s *stream) enter(w *waiter) uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		id := uint16(rand.Uint32())
		if _, taken := s.waiting[id]; !taken {
			s.waiting[id] = w
			return id
		}
	}
}

func (s *stream) leave(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, id)
}

// write sends a query in one segment with its length (RFC 7766, section 8). If
// that fails the socket is closed, and the query learns of it as all others do.
func (s *stream) write(ctx context.Context, query []byte, id uint16) error {
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(query)), uint16(len(query)))
	framed = append(framed, query...)
	setMessageID(framed[2:], id)
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-s.done:
		return errUnsent
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeLimit)) // fails if closed, as the next line does
	if _, err := s.conn.Write(framed); err != nil {
		_ = s.conn.Close() // wakes the reader
	}
	return nil
}

// serve handles replies until the socket is closed, by either side. The queries
// that wait are told by close.
func (s *stream) serve() error {
	reader := bufio.NewReader(s.conn)
	for ignored := 0; ignored < maxIgnored; {
		var length [2]byte
		if _, err := io.ReadFull(reader, length[:]); err != nil {
			return ended(err)
		}
		message := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(reader, message); err != nil {
			return ended(err)
		}
		if ignored++; s.deliver(message) {
			ignored = 0
		}
	}
	return ErrFlooded
}

// deliver hands a message to the query that it replies to, and reports whether
// there is one. The reply to a query that has given up counts as none.
func (s *stream) deliver(message []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastRead = time.Now()
	if len(message) < headerLen {
		return false
	}
	id := messageID(message)
	w := s.waiting[id]
	if w == nil || !isReply(message, id) || w.accept(message) != nil {
		return false
	}
	w.accept = func([]byte) error { return ErrNotOurs } // only one reply counts
	w.reply <- message
	return true
}
