package transport

import (
	"context"
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// packets is a server that gets one query, and a socket to write to its client.
func packets(t *testing.T, serve func(query []byte, client net.Conn)) UDP {
	t.Helper()
	return UDP{Dial: func(ctx context.Context) (net.Conn, error) {
		theirs, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return nil, err
		}
		go func() {
			defer theirs.Close()
			buffer := make([]byte, 1232)
			n, client, err := theirs.ReadFrom(buffer)
			if err == nil {
				serve(buffer[:n], toClient{theirs, client})
			}
		}()
		return new(net.Dialer).DialContext(ctx, "udp", theirs.LocalAddr().String())
	}}
}

// toClient writes to one client.
type toClient struct {
	*net.UDPConn
	client net.Addr
}

func (c toClient) Write(b []byte) (int, error) { return c.WriteTo(b, c.client) }

// Shows RFC 5452 9.3.
func TestUDP(t *testing.T) {
	refused := errors.New("not in these letters")
	tests := map[string]struct {
		noise  int
		accept Accept
		want   error
	}{
		"the reply":              {0, accepting(1), nil},
		"after others":           {maxIgnored - 1, accepting(1), nil},
		"after too many":         {maxIgnored, accepting(1), ErrFlooded},
		"another question":       {0, accepting(2), ErrFlooded},
		"what ends the exchange": {0, func([]byte) error { return refused }, refused},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			u := packets(t, func(query []byte, client net.Conn) {
				other := answer(query)
				other[1]++
				for range tt.noise {
					_, _ = client.Write(other)
				}
				for range maxIgnored {
					_, _ = client.Write(answer(query))
				}
			})
			if _, err := u.RoundTrip(t.Context(), query(1), tt.accept); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

// A reply may be as long as a datagram can be, and takes up no more than that.
// Shows RFC 4035 4.1.
func TestUDPRepliesOfAnyLength(t *testing.T) {
	const most = 1<<16 - 1 - 20 - 8 // with the headers of IPv4 and UDP
	for _, length := range []int{headerLen + 4, 4096, 4097, most} {
		u := packets(t, func(query []byte, client net.Conn) {
			_, _ = client.Write(nil)
			_, _ = client.Write(append(answer(query), make([]byte, length-len(query))...))
		})
		got, err := u.RoundTrip(t.Context(), query(1), func([]byte) error { return nil })
		if err != nil || len(got) != length || cap(got) > length {
			t.Errorf("%d octets: got %d in %d, %v", length, len(got), cap(got), err)
		}
	}
}

// What the network refuses is an error of the network.
func TestUDPRefused(t *testing.T) {
	closed, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	u := UDP{Dial: func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", closed.LocalAddr().String())
	}}
	_, err = u.RoundTrip(t.Context(), query(1), accepting(1))
	if op := (*net.OpError)(nil); !errors.As(err, &op) || !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("error %v", err)
	}
}

// Shows RFC 5452 9.2a.
// Shows RFC 5625 6.1.
func TestUDPTakesANewIDEachTime(t *testing.T) {
	const n = 10
	asked := make(chan uint16, n)
	u := packets(t, func(query []byte, client net.Conn) {
		asked <- messageID(query)
		_, _ = client.Write(answer(query))
	})
	ids := map[uint16]bool{}
	for range n {
		if _, err := u.RoundTrip(t.Context(), query(1), accepting(1)); err != nil {
			t.Fatal(err)
		}
		ids[<-asked] = true
	}
	if len(ids) < 8 { // two may be equal by chance
		t.Errorf("IDs %v", ids)
	}
}

func TestUDPEndsWithItsContext(t *testing.T) {
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	u := packets(t, func([]byte, net.Conn) { cancel(reason) })
	if _, err := u.RoundTrip(ctx, query(1), accepting(1)); !errors.Is(err, reason) {
		t.Errorf("error %v", err)
	}
}
