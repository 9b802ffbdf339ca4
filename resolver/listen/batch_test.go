package listen

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// families are the addresses that bursts are tested on: the listen address, and
// the address to query.
var families = map[string]struct{ listen, asked string }{
	"IPv4":          {"127.0.0.1:0", "127.0.0.1"},
	"IPv6":          {"[::1]:0", "::1"},
	"IPv4 wildcard": {"0.0.0.0:0", "127.0.0.77"},
	"IPv6 wildcard": {"[::]:0", "::1"},
}

func TestUDPBurstIsAnsweredWhole(t *testing.T) {
	for name, tt := range families {
		t.Run(name, func(t *testing.T) {
			needAddr(t, tt.listen)
			s := start(t, echo, Limits{}, tt.listen)
			c := dial(t, "udp", netip.AddrPortFrom(netip.MustParseAddr(tt.asked), s.Addrs()[0].Port()))
			roomy(t, c.Conn)
			const burst = 1000
			for i := range uint16(burst) {
				c.send(append(binary.BigEndian.AppendUint16(nil, i), message("burst")...))
			}
			seen := make([]bool, burst)
			for range burst {
				var b [64]byte
				if _, err := c.Read(b[:]); err != nil {
					t.Fatal(err)
				}
				i := binary.BigEndian.Uint16(b[:])
				if seen[i] {
					t.Fatalf("query %d is answered twice", i)
				}
				seen[i] = true
			}
			if n := s.Dropped(); n != 0 {
				t.Errorf("%d messages dropped", n)
			}
		})
	}
}

// What has arrived while a query was handled is more than a batch, and nothing
// comes after it that would make the poller report it again. Neither do
// replies, each of which makes room, which the poller reports too.
func TestUDPBacklogIsReadWhole(t *testing.T) {
	entered, release := make(chan struct{}, 1), make(chan struct{})
	const backlog = 4 * batchSize
	read := make(chan struct{}, backlog)
	s := start(t, answerer(func(m []byte, _ Client, _ []byte) ([]byte, Wait) {
		if bytes.HasPrefix(m, []byte("hold")) {
			entered <- struct{}{}
			<-release
		} else {
			read <- struct{}{}
		}
		return nil, nil
	}), Limits{})
	c := dial(t, "udp", s.Addrs()[0])
	c.send([]byte(message("hold")))
	<-entered
	for range backlog {
		c.send([]byte(message("arrived")))
	}
	close(release)
	late := time.After(20 * time.Second)
	for i := range backlog {
		select {
		case <-read:
		case <-late:
			t.Fatalf("%d of %d queries were read", i, backlog)
		}
	}
}

// roomy gives a client's socket room for as much as it may get at once.
func roomy(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.(*net.UDPConn).SetReadBuffer(4 << 20); err != nil {
		t.Fatal(err)
	}
}

func TestUDPSizes(t *testing.T) {
	lengths := make(chan int, 1)
	s := start(t, answerer(func(m []byte, _ Client, b []byte) ([]byte, Wait) {
		lengths <- len(m)
		return append(b, m...), nil
	}), Limits{})
	c := dial(t, "udp", s.Addrs()[0])
	for _, tt := range []struct {
		name         string
		sent, handed int
	}{
		{"nothing", 0, 0},
		{"one octet", 1, 1},
		{"the largest", maxQuery, maxQuery},
		{"one more", maxQuery + 1, maxQuery},
		{"the largest packet", 65507, maxQuery},
		{"a small one after it", 20, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			query := strings.Repeat("q", tt.sent)
			c.send([]byte(query))
			if got := <-lengths; got != tt.handed {
				t.Errorf("the handler got %d octets, want %d", got, tt.handed)
			}
			c.wantPacket(query[:tt.handed])
		})
	}
}

// A reply that the kernel rejects does not affect the others of its batch.
func TestUDPReplyThatCannotBeSentCostsNoOther(t *testing.T) {
	huge := make([]byte, 70_000) // no packet is that long: EMSGSIZE
	entered, release := make(chan struct{}, 1), make(chan struct{})
	s := start(t, answerer(func(m []byte, _ Client, b []byte) ([]byte, Wait) {
		switch {
		case bytes.HasPrefix(m, []byte("hold")):
			entered <- struct{}{}
			<-release
		case bytes.HasPrefix(m, []byte("huge")):
			return huge, nil
		case bytes.HasPrefix(m, []byte("none")): // replies are fewer than queries
			return nil, nil
		}
		return append(b, m...), nil
	}), Limits{})
	c := dial(t, "udp", s.Addrs()[0])
	c.send([]byte(message("hold"))) // so that the others come as one batch
	<-entered
	for _, text := range []string{"none", "huge", "one", "none", "huge", "huge", "two", "huge"} {
		c.send([]byte(message(text)))
	}
	close(release)
	for _, text := range []string{"hold", "one", "two"} {
		c.wantPacket(message(text))
	}
}

// The kernel reports that a client has gone to the socket that answered it.
func TestUDPClientThatHasGone(t *testing.T) {
	release := make(chan struct{})
	s := start(t, slow(release), Limits{})
	gone, stays := dial(t, "udp", s.Addrs()[0]), dial(t, "udp", s.Addrs()[0])
	gone.send([]byte(message("slow")))
	gone.send([]byte(message("fast")))
	gone.wantPacket(message("fast"))
	_ = gone.Close()
	close(release)
	for range 100 {
		stays.send([]byte(message("fast")))
		stays.wantPacket(message("fast"))
	}
}

func TestUDPBatchSharesOneTime(t *testing.T) {
	s, err := Bind([]netip.AddrPort{loopback})
	if err != nil {
		t.Fatal(err)
	}
	var reads atomic.Int64
	s.Clock = func() time.Duration { return time.Duration(reads.Add(1)) }
	entered, release := make(chan struct{}, 1), make(chan struct{})
	given := make(chan time.Duration, 8)
	serve(t, s, answerer(func(m []byte, c Client, b []byte) ([]byte, Wait) {
		if bytes.HasPrefix(m, []byte("hold")) {
			entered <- struct{}{}
			<-release
		}
		given <- c.Now
		return append(b, m...), nil
	}))
	c := dial(t, "udp", s.Addrs()[0])
	c.send([]byte(message("hold")))
	<-entered
	for range 4 {
		c.send([]byte(message("together")))
	}
	close(release)
	first, second := <-given, <-given
	if first != 1 || second != 2 {
		t.Errorf("the first batch is given %d, the second %d; want 1 and 2", first, second)
	}
	for range 3 {
		if got := <-given; got != second {
			t.Errorf("a query of the batch is given %d, want %d as the others", got, second)
		}
	}
}

func TestDroppedCountsWhatFindsNoRoom(t *testing.T) {
	s, err := Bind([]netip.AddrPort{loopback})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() // closing twice is harmless
	for _, socket := range s.listeners[0].pair.udp {
		if err := socket.setOption(unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4096); err != nil {
			if err := socket.setOption(unix.SOL_SOCKET, unix.SO_RCVBUF, 4096); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := dial(t, "udp", s.Addrs()[0])
	const sent = 200
	for range sent {
		c.send(make([]byte, 1000))
	}
	got := s.Dropped()
	if got == 0 || got >= sent {
		t.Errorf("%d of %d dropped, want most and not all", got, sent)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if after := s.Dropped(); after != got {
		t.Errorf("%d dropped after Close, %d before", after, got)
	}
}
