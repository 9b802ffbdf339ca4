package listen

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Shows RFC 1035 4.2.2a.
// Shows RFC 7766 6.2.1.1a.
func TestTCPPipelining(t *testing.T) {
	s := start(t, echo, Limits{})
	c := dial(t, "tcp", s.Addrs()[0])
	var all []byte
	for _, text := range []string{"one", "two", "three"} {
		all = append(all, frame(message(text))...)
	}
	c.send(all)
	for _, text := range []string{"one", "two", "three"} {
		c.wantFrame(message(text))
	}
}

// Replies to queries that came together leave together.
// Shows RFC 7766 8a.
func TestTCPPipelinedRepliesComeAsOne(t *testing.T) {
	s := start(t, echo, Limits{})
	c := dial(t, "tcp", s.Addrs()[0])
	queries := bytes.Repeat(frame(message("query")), 10)
	c.send(queries)
	got := make([]byte, 2*len(queries))
	n, err := c.Read(got)
	if err != nil || !bytes.Equal(got[:n], queries) {
		t.Errorf("first read: %d octets, %v; want all %d", n, err, len(queries))
	}
}

// Replies that are larger than what is collected, to more queries than are read
// at once, with one that waits among them.
func TestTCPManyAndLargeReplies(t *testing.T) {
	large := bytes.Repeat([]byte("large"), 13_000)
	release := make(chan struct{})
	waiting := slow(release)
	s := start(t, answerer(func(m []byte, c Client, b []byte) ([]byte, Wait) {
		if bytes.HasPrefix(m, []byte("large")) {
			return large, nil
		}
		return waiting(m, c, b)
	}), Limits{})
	c := dial(t, "tcp", s.Addrs()[0])
	c.send(frame(message("slow")))
	const rounds = 40
	go func() {
		for range rounds {
			_, _ = c.Write(slices.Concat(frame(message("large")), frame(message("small")), frame(strings.Repeat("long", 1000))))
		}
	}()
	for range rounds {
		c.wantFrame(string(large))
		c.wantFrame(message("small"))
		c.wantFrame(strings.Repeat("long", 1000))
	}
	close(release)
	c.wantFrame(message("slow"))
}

// slow answers "slow" when it is released, and all else at once.
func slow(release <-chan struct{}) answerer {
	return func(m []byte, _ Client, buffer []byte) ([]byte, Wait) {
		if !bytes.HasPrefix(m, []byte("slow")) {
			return append(buffer, m...), nil
		}
		return nil, func(ctx context.Context) []byte {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return []byte(message("slow"))
		}
	}
}

// Shows RFC 7766 7a.
func TestTCPAnswersOutOfOrder(t *testing.T) {
	release := make(chan struct{})
	s := start(t, slow(release), Limits{})
	c := dial(t, "tcp", s.Addrs()[0])
	c.send(append(frame(message("slow")), frame(message("fast"))...))
	c.wantFrame(message("fast"))
	close(release)
	c.wantFrame(message("slow"))
}

// Shows RFC 7766 6.2.4b.
func TestTCPHalfClosedClientGetsItsAnswers(t *testing.T) {
	release := make(chan struct{})
	s := start(t, slow(release), Limits{})
	c := dial(t, "tcp", s.Addrs()[0])
	c.send(frame(message("slow")))
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	close(release)
	c.wantFrame(message("slow"))
	c.wantEnd()
}

// Shows RFC 1035 4.2.2a.
// Shows RFC 7766 8b.
func TestTCPMessageInPieces(t *testing.T) {
	s := start(t, echo, Limits{})
	for name, size := range map[string]int{
		"that is read at once":     inboxSize - prefixSize,
		"that is one octet longer": inboxSize - prefixSize + 1,
		"of the largest size":      maxQuery,
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, "tcp", s.Addrs()[0])
			text := strings.Repeat("0123456789abcde\n", maxQuery)[:size]
			for piece := range bytes.Lines(frame(text)) {
				c.send(piece)
			}
			c.wantFrame(text)
		})
	}
}

func TestTCPTooLongMessageIsCut(t *testing.T) {
	s := start(t, echo, Limits{})
	c := dial(t, "tcp", s.Addrs()[0])
	for _, size := range []int{maxQuery + 1, 65535} {
		text := strings.Repeat("q", size)
		c.send(append(frame(text), frame(message("next"))...))
		c.wantFrame(text[:maxQuery])
		c.wantFrame(message("next"))
	}
}

// Shows RFC 7766 6.2.3a.
// Shows RFC 9210 4.3.
func TestTCPIdleConnectionEnds(t *testing.T) {
	s := start(t, echo, Limits{Idle: 200 * time.Millisecond})
	for name, start := range map[string][]byte{
		"silent":            nil,
		"half a length":     {0},
		"half a message":    frame(message("half"))[:5],
		"after its answers": frame(message("one")),
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, "tcp", s.Addrs()[0])
			c.send(start)
			if name == "after its answers" {
				c.wantFrame(message("one"))
			}
			c.wantEnd()
		})
	}
}

// Shows RFC 7766 6.2.3b.
func TestTCPIdleConnectionStillGetsWhatIsInFlight(t *testing.T) {
	release := make(chan struct{})
	s := start(t, slow(release), Limits{Idle: 200 * time.Millisecond})
	c := dial(t, "tcp", s.Addrs()[0])
	c.send(frame(message("slow")))
	time.AfterFunc(400*time.Millisecond, func() { close(release) })
	c.wantFrame(message("slow"))
	c.wantEnd()
}

// Valid queries before it are still answered.
func TestTCPQueryBeforeWhatIsNotDNSIsAnswered(t *testing.T) {
	s := start(t, answerer(func(m []byte, _ Client, b []byte) ([]byte, Wait) {
		if bytes.HasPrefix(m, []byte("reply")) {
			return nil, nil
		}
		return append(b, m...), nil
	}), Limits{})
	for name, junk := range map[string]string{"less than a header": "short", "what gets silence": message("reply")} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, "tcp", s.Addrs()[0])
			c.send(append(frame(message("query")), frame(junk)...)) // together
			c.wantFrame(message("query"))
			c.wantEnd()
		})
	}
}

func TestTCPWhatIsNotDNSEndsTheConnection(t *testing.T) {
	silent := answerer(func([]byte, Client, []byte) ([]byte, Wait) { return nil, nil })
	s := start(t, silent, Limits{})
	for name, b := range map[string][]byte{
		"no length":           {0, 0},
		"less than a header":  frame("short"),
		"what gets no answer": frame(message("response")),
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, "tcp", s.Addrs()[0])
			c.send(b)
			c.wantEnd()
		})
	}
}

// Shows RFC 1035 4.2.2c.
// Shows RFC 7766 6.2.3c.
// Shows RFC 9210 4.1.
func TestTCPConnectionsAreBounded(t *testing.T) {
	release := make(chan struct{})
	s := start(t, slow(release), Limits{Connections: 2})
	busy := dial(t, "tcp", s.Addrs()[0])
	busy.send(append(frame(message("slow")), frame(message("one"))...))
	busy.wantFrame(message("one"))
	idle := dial(t, "tcp", s.Addrs()[0])
	idle.send(append(frame(message("two")), 0)) // and half a message more
	idle.wantFrame(message("two"))

	third := dial(t, "tcp", s.Addrs()[0])
	third.send(append(frame(message("slow")), frame(message("three"))...))
	idle.wantEnd() // is evicted
	third.wantFrame(message("three"))

	fourth := dial(t, "tcp", s.Addrs()[0])
	fourth.wantEnd() // no connection is idle
	close(release)
	busy.wantFrame(message("slow"))
	third.wantFrame(message("slow"))
}

// The connection that gives way is the one whose last query is the longest ago,
// and not the oldest.
func TestTCPLeastRecentlyActiveGivesWay(t *testing.T) {
	s := start(t, echo, Limits{Connections: 3})
	var open []client // by their last queries
	ask := func(c client) {
		t.Helper()
		c.send(frame(message("query")))
		c.wantFrame(message("query"))
		open = append(open, c)
	}
	for range 3 {
		ask(dial(t, "tcp", s.Addrs()[0]))
	}
	for range 5 {
		oldest := open[0]
		open = open[1:]
		ask(oldest) // is the most recent now
		least := open[0]
		open = open[1:]
		ask(dial(t, "tcp", s.Addrs()[0]))
		least.wantEnd()
	}
	for _, c := range open {
		ask(c)
	}
}

// Shows RFC 9210 4.2.
func TestTCPQueriesInFlightAreBounded(t *testing.T) {
	release := make(chan struct{})
	waiting := slow(release)
	s := start(t, answerer(func(m []byte, c Client, b []byte) ([]byte, Wait) {
		if c.Busy {
			return append(b, message("busy")...), nil
		}
		return waiting(m, c, b)
	}), Limits{InFlight: 2})
	c := dial(t, "tcp", s.Addrs()[0])
	c.send(bytes.Repeat(frame(message("slow")), 3))
	c.wantFrame(message("busy"))
	close(release)
	c.wantFrame(message("slow"))
	c.wantFrame(message("slow"))
}

// Shows RFC 1035 4.2.2b.
// Shows RFC 9210 4.2.
func TestTCPClientThatTakesNothingIsCutOff(t *testing.T) {
	big := make([]byte, 60_000)
	var handled atomic.Int32
	s := start(t, answerer(func([]byte, Client, []byte) ([]byte, Wait) {
		handled.Add(1)
		return big, nil
	}), Limits{Write: 20 * time.Millisecond})
	c := dial(t, "tcp", s.Addrs()[0])
	query := frame(message("big"))
	for { // until the connection breaks, since its replies fill all buffers
		if _, err := c.Write(query); err != nil {
			break
		}
	}
	if handled.Load() == 0 {
		t.Error("no query was handled")
	}
}

// Shows RFC 7766 6.2.4c.
func TestServeEndsConnections(t *testing.T) {
	s, err := Bind([]netip.AddrPort{loopback})
	if err != nil {
		t.Fatal(err)
	}
	s.Limits.Idle = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Serve(ctx, only(slow(nil))) }()
	idle, waiting := dial(t, "tcp", s.Addrs()[0]), dial(t, "tcp", s.Addrs()[0])
	for _, c := range []client{idle, waiting} {
		c.send(frame(message("hello")))
		c.wantFrame(message("hello"))
	}
	waiting.send(append(frame(message("slow")), frame(message("sent"))...))
	waiting.wantFrame(message("sent"))
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
	waiting.wantFrame(message("slow")) // what was in flight is answered
	waiting.wantEnd()
	idle.wantEnd()
}

// Shows RFC 9210 4.1.
func TestDefaultConnectionsLeaveDescriptors(t *testing.T) {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	got := Limits{}.withDefaults().Connections
	if got < 1 || uint64(got) > files.Cur/2 {
		t.Errorf("%d connections of %d descriptors, want no more than half", got, files.Cur)
	}
}

// Shows RFC 7766 6.2.2b.
// Shows RFC 9210 4.1.
func TestTCPConnectionsOfOneClientAreBounded(t *testing.T) {
	p := newPool(Limits{PerClient: 2}.withDefaults(), echo, nil)
	from := func(addr string) *connection {
		return &connection{pool: p, client: netip.MustParseAddrPort(addr)}
	}
	first := from("192.0.2.1:1")
	for _, step := range []struct {
		c    *connection
		want bool
	}{
		{first, true},
		{from("192.0.2.1:2"), true},
		{from("192.0.2.1:3"), false},
		{from("192.0.2.2:3"), true},
		{from("127.0.0.1:1"), true},
		{from("127.0.0.1:2"), true},
		{from("127.0.0.1:3"), true}, // this machine's programs are many clients
	} {
		if got := p.enter(step.c); got != step.want {
			t.Errorf("a connection from %v enters: %t, want %t", step.c.client, got, step.want)
		}
	}
	p.leave(first)
	p.leave(first) // counts once
	if !p.enter(from("192.0.2.1:4")) || p.enter(from("192.0.2.1:5")) {
		t.Error("one left, and not just one may follow")
	}
	if got := p.stats(); got.Refused != 2 || got.Open != 6 {
		t.Errorf("counted %+v, want 6 open and 2 refused", got)
	}
}
