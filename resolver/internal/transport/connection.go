package transport

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

var (
	errClosed = errors.New("the connection was closed")
	errSilent = fmt.Errorf("%w: nothing came over it", errClosed)
)

// writeLimit is how long writing a query to the socket's buffer may take. A
// peer that does not read for that long is gone.
const writeLimit = time.Second

// connection carries queries to a server and the replies back.
type connection struct {
	ready   chan struct{} // closed when stream is set
	done    chan struct{} // closed when err is set
	writing chan struct{} // holds one element while a query is written
	stream  net.Conn
	idle    time.Duration

	mu       sync.Mutex
	err      error // why it is gone
	waiting  map[uint16]*waiter
	lastRead time.Time // when data last arrived
}

// waiter is a query that has no reply yet.
type waiter struct {
	accept Accept
	reply  chan []byte // buffered
}

func newConnection(idle time.Duration) *connection {
	return &connection{
		ready:   make(chan struct{}),
		done:    make(chan struct{}),
		writing: make(chan struct{}, 1),
		waiting: map[uint16]*waiter{},
		idle:    idle,
	}
}

// open lets queries use the connection, unless it has ended already, and
// reports whether it did.
func (c *connection) open(stream net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.stream = stream
	_ = stream.SetReadDeadline(time.Now().Add(c.idle)) // fails if closed, which the reader notices
	close(c.ready)
	return true
}

// fail ends the connection for all waiting queries, unless it has ended.
func (c *connection) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	close(c.done)
	if c.stream != nil {
		_ = c.stream.Close() // wakes the reader
	}
}

func (c *connection) isDone() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// roundTrip sends a query and waits for its reply.
func (c *connection) roundTrip(ctx context.Context, query []byte, accept Accept) ([]byte, error) {
	select {
	case <-c.ready:
	case <-c.done:
		return nil, c.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	w := &waiter{accept: accept, reply: make(chan []byte, 1)}
	id := c.enter(w)
	defer c.leave(id)
	sent := time.Now()
	if err := c.write(ctx, query, id); err != nil {
		return nil, err
	}
	select {
	case message := <-w.reply:
		return message, nil
	case <-c.done:
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) && !c.readSince(sent) {
			c.fail(errSilent) // the next query gets a new connection
		}
		return nil, context.Cause(ctx)
	}
	select {
	case message := <-w.reply: // it arrived just before the end
		return message, nil
	default:
		return nil, c.err
	}
}

// enter registers a query under an ID that is unique on the connection.
func (c *connection) enter(w *waiter) uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		_ = c.stream.SetReadDeadline(time.Time{}) // each query has its own limit
	}
	for {
		id := uint16(rand.Uint32())
		if _, taken := c.waiting[id]; !taken {
			c.waiting[id] = w
			return id
		}
	}
}

func (c *connection) leave(id uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
	if len(c.waiting) == 0 {
		_ = c.stream.SetReadDeadline(time.Now().Add(c.idle))
	}
}

func (c *connection) readSince(t time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastRead.After(t)
}

// write sends a query in one segment with its length (RFC 7766, section 8).
func (c *connection) write(ctx context.Context, query []byte, id uint16) error {
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(query)), uint16(len(query)))
	framed = append(framed, query...)
	setMessageID(framed[2:], id)
	select {
	case c.writing <- struct{}{}:
		defer func() { <-c.writing }()
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	_ = c.stream.SetWriteDeadline(time.Now().Add(writeLimit)) // fails if closed, as the next line does
	if _, err := c.stream.Write(framed); err != nil {
		c.fail(fmt.Errorf("%w: %w", errClosed, err))
		return c.err
	}
	return nil
}

// read handles replies until the connection ends, and returns why it did. When
// the idle timeout ends it a query may just have arrived: that one treats it
// like any other closed connection.
func (c *connection) read() error {
	reader := bufio.NewReader(c.stream)
	for ignored := 0; ignored < maxIgnored; {
		var length [2]byte
		if _, err := io.ReadFull(reader, length[:]); err != nil {
			return fmt.Errorf("%w: %w", errClosed, err)
		}
		message := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(reader, message); err != nil {
			return fmt.Errorf("%w: %w", errClosed, err)
		}
		if ignored++; c.deliver(message) {
			ignored = 0
		}
	}
	return ErrFlooded
}

// deliver hands a message to the query that it replies to, and reports whether
// there is one. The reply to a query that has given up counts as none.
func (c *connection) deliver(message []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastRead = time.Now()
	if len(message) < headerLen {
		return false
	}
	id := messageID(message)
	w := c.waiting[id]
	if w == nil || !isReply(message, id) || w.accept(message) != nil {
		return false
	}
	w.accept = func([]byte) error { return ErrNotOurs } // only one reply counts
	w.reply <- message
	return true
}
