// Package load sends queries at a steady rate and watches for their replies, to
// see what a name server loses and how long it makes clients wait.
package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Config is what is sent.
type Config struct {
	// Dial makes a connection over UDP to the server.
	Dial func() (net.Conn, error)
	// Query is a DNS message; its ID is replaced.
	Query []byte
	// Vary, if not nil, changes the query in place before it is sent as the nth of
	// all, and each time from what the last call of a connection left. It is called
	// concurrently.
	Vary func(query []byte, nth int)
	// Rate is how many are sent each second, over all connections.
	Rate int
	// Connections are clients with ports of their own.
	Connections int
	// Patience is how long the last reply is waited for.
	Patience time.Duration
}

// Report is what came of it.
type Report struct {
	Sent       int
	Unanswered int
	Refused    int             // sends that the kernel refused: no process had the address
	Useless    int             // replies without an answer, which count as unanswered too
	Longest    time.Duration   // wait for a reply
	P999       time.Duration   // 99.9 % of the replies came within it
	Lost       []time.Duration // when the unanswered were sent, since the start
}

func (r Report) String() string {
	return fmt.Sprintf("%d queries: %d unanswered, of these %d with a useless reply, %d refused; longest wait %v, p99.9 %v",
		r.Sent, r.Unanswered, r.Useless, r.Refused, r.Longest.Round(time.Microsecond), r.P999.Round(time.Microsecond))
}

// AddressQuery is a query for the IPv4 address of a name.
func AddressQuery(name string) []byte {
	query := binary.BigEndian.AppendUint16(make([]byte, 2), 0x0100) // RD
	query = append(query, 0, 1, 0, 0, 0, 0, 0, 0)
	for label := range strings.SplitSeq(name, ".") {
		query = append(append(query, byte(len(label))), label...)
	}
	return append(query, 0, 0, 1, 0, 1)
}

// ReadAtOnce is how many queries a daemon on this machine has read and not answered
// at most: a batch of each of its sockets for one address.
func ReadAtOnce() int {
	const batch = 32
	return batch * runtime.GOMAXPROCS(0)
}

// During runs while do does.
func During(t testing.TB, c Config, do func()) Report {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reports := make(chan Report, 1)
	go func() {
		report, err := Run(ctx, c)
		if err != nil {
			t.Error(err)
		}
		reports <- report
	}()
	do()
	cancel()
	return <-reports
}

// Run sends until ctx ends, and then waits for the replies that are missing. No
// query is sent twice.
func Run(ctx context.Context, c Config) (Report, error) {
	began := time.Now()
	var clients []*client
	for range c.Connections {
		conn, err := c.Dial()
		if err != nil {
			return Report{}, err
		}
		defer conn.Close()
		if err := enlarge(conn); err != nil {
			return Report{}, err
		}
		clients = append(clients, &client{conn: conn})
	}
	var running sync.WaitGroup
	for i, one := range clients {
		running.Go(func() { one.receive() })
		running.Go(func() { one.send(ctx, c, i, began) })
	}
	running.Wait()
	return summarize(clients, began), nil
}

const headerSize = 12

// enlarge makes room for the replies to all that waited in the server's sockets,
// which come at once. It takes the privilege.
func enlarge(conn net.Conn) error {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	controlErr := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20)
	})
	return errors.Join(controlErr, os.NewSyscallError("setsockopt", err))
}

// client is one connection. An ID is used again after 65536 queries, which must be
// later than the last wait.
type client struct {
	conn    net.Conn
	mu      sync.Mutex
	sent    [1 << 16]time.Time // zero: answered, or not sent
	count   int
	refused int
	useless int
	waits   []time.Duration
	lost    []time.Time // overtaken by another of their ID
}

// send sends the queries of the ith connection.
func (c *client) send(ctx context.Context, config Config, i int, began time.Time) {
	interval := time.Second * time.Duration(config.Connections) / time.Duration(config.Rate)
	query := slices.Clone(config.Query)
	for n := 0; ctx.Err() == nil; n++ {
		// Late ones are made up for: the rate is that of the whole.
		if ahead := time.Until(began.Add(time.Duration(n) * interval)); ahead > 0 {
			time.Sleep(ahead)
		}
		if config.Vary != nil {
			config.Vary(query, n*config.Connections+i)
		}
		id := uint16(n)
		binary.BigEndian.PutUint16(query, id)
		c.mu.Lock()
		if before := c.sent[id]; !before.IsZero() {
			c.lost = append(c.lost, before)
		}
		c.sent[id] = time.Now()
		c.count++
		c.mu.Unlock()
		if _, err := c.conn.Write(query); errors.Is(err, syscall.ECONNREFUSED) {
			// What is refused is the query before; this one was not sent.
			_, _ = c.conn.Write(query)
			c.mu.Lock()
			c.refused++
			c.mu.Unlock()
		}
	}
	c.await(config.Patience)
	_ = c.conn.SetReadDeadline(time.Unix(1, 0))
}

// await returns when all replies are there, or after the patience.
func (c *client) await(patience time.Duration) {
	for late := time.Now().Add(patience); time.Now().Before(late) && c.missing() > 0; {
		time.Sleep(10 * time.Millisecond)
	}
}

func (c *client) missing() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count - len(c.waits) - len(c.lost)
}

func (c *client) receive() {
	buffer := make([]byte, 4096)
	for {
		n, err := c.conn.Read(buffer)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			c.mu.Lock()
			c.refused++
			c.mu.Unlock()
		case err != nil:
			return
		case n >= headerSize && buffer[3]&0xf == 0 && buffer[7] > 0: // without an error, and with a record
			c.note(binary.BigEndian.Uint16(buffer))
		default:
			c.mu.Lock()
			c.useless++
			c.mu.Unlock()
		}
	}
}

func (c *client) note(id uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.sent[id]; !at.IsZero() {
		c.waits = append(c.waits, time.Since(at))
		c.sent[id] = time.Time{}
	}
}

func summarize(clients []*client, began time.Time) (r Report) {
	var waits []time.Duration
	for _, c := range clients {
		r.Sent += c.count
		r.Refused += c.refused
		r.Useless += c.useless
		waits = append(waits, c.waits...)
		for _, at := range c.lost {
			r.Lost = append(r.Lost, at.Sub(began))
		}
		for _, at := range c.sent {
			if !at.IsZero() {
				r.Lost = append(r.Lost, at.Sub(began))
			}
		}
	}
	slices.Sort(r.Lost)
	r.Unanswered = len(r.Lost)
	if slices.Sort(waits); len(waits) > 0 {
		r.Longest, r.P999 = waits[len(waits)-1], waits[(len(waits)-1)*999/1000]
	}
	return r
}
