package listen

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// connection is a TCP connection with a client. Queries are read one after
// the other; each is answered as soon as its answer is there, whatever the
// order (RFC 7766, section 7).
type connection struct {
	conn   *net.TCPConn
	pool   *pool
	client netip.AddrPort

	write sync.Mutex // held while a reply is written

	mu       sync.Mutex
	inFlight int
	active   time.Time // when it was opened, or the last query was read
}

const (
	readBuffer = 512
	minMessage = 12 // a DNS header
)

// serve answers until the client is silent for too long, closes its side,
// says what is not DNS, or ctx ends. Whatever is in flight then is still
// answered: a client may well close its side after its last query.
func (c *connection) serve(ctx context.Context) {
	defer c.pool.leave(c)
	defer c.conn.Close() // it is over either way
	// The deadline in the past ends a read that is waiting, and leaves the
	// writing of what is in flight alone.
	defer context.AfterFunc(ctx, func() { _ = c.conn.SetReadDeadline(time.Unix(1, 0)) })()
	var waiting sync.WaitGroup
	defer waiting.Wait()

	reader := bufio.NewReaderSize(c.conn, readBuffer)
	var message, buffer []byte
	for {
		var ok bool
		if message, ok = c.read(ctx, reader, message); !ok {
			return
		}
		client := Client{Addr: c.client, TCP: true, Busy: c.busy()}
		reply, wait := c.pool.handler.Handle(message, client, buffer[:0])
		switch {
		case wait != nil:
			c.count(+1)
			waiting.Go(func() {
				defer c.count(-1)
				c.send(wait(ctx))
			})
		case reply == nil || !c.send(reply):
			// What gets silence was no query, and the connection of somebody
			// who sends no queries is of no use.
			return
		default:
			buffer = reply
		}
	}
}

// read reads one message, into the given buffer if it is large enough.
func (c *connection) read(ctx context.Context, reader *bufio.Reader, buffer []byte) ([]byte, bool) {
	// Set before each message, so that sending it octet by octet does not
	// prolong the time.
	err := c.conn.SetReadDeadline(time.Now().Add(c.pool.limits.Idle))
	// Looked at only now: the end of ctx may just have set a deadline that
	// this one replaced.
	if err != nil || ctx.Err() != nil {
		return buffer, false
	}
	var prefix [2]byte
	if _, err := io.ReadFull(reader, prefix[:]); err != nil {
		return buffer, false
	}
	length := int(binary.BigEndian.Uint16(prefix[:]))
	if length < minMessage {
		return buffer, false
	}
	buffer = slices.Grow(buffer[:0], length)[:length]
	if _, err := io.ReadFull(reader, buffer); err != nil {
		return buffer, false
	}
	c.mu.Lock()
	c.active = time.Now()
	c.mu.Unlock()
	return buffer, true
}

// send writes a reply, in one piece with its length (RFC 7766, section 8),
// and says whether the client took it. One that does not is cut off, since
// the stream is broken then.
func (c *connection) send(reply []byte) bool {
	if reply == nil {
		return true
	}
	c.write.Lock()
	defer c.write.Unlock()
	var prefix [2]byte
	binary.BigEndian.PutUint16(prefix[:], uint16(len(reply)))
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.pool.limits.Write)); err != nil {
		return false
	}
	pieces := net.Buffers{prefix[:], reply}
	if _, err := pieces.WriteTo(c.conn); err != nil {
		_ = c.conn.Close()
		return false
	}
	return true
}

func (c *connection) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inFlight >= c.pool.limits.InFlight
}

func (c *connection) count(delta int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight += delta
}

// idleSince says since when the connection has been idle, if it is.
func (c *connection) idleSince() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.active, c.inFlight == 0
}
