package transport

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
)

// packets is a server at the other end of a pipe, where each write is one
// packet.
func packets(t *testing.T, serve func(query []byte, conn net.Conn)) UDP {
	t.Helper()
	return UDP{Dial: func(context.Context) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			buffer := make([]byte, maxDatagram)
			n, err := theirs.Read(buffer)
			if err == nil {
				serve(buffer[:n], theirs)
			}
		}()
		return ours, nil
	}}
}

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
			synctest.Test(t, func(t *testing.T) {
				u := packets(t, func(query []byte, conn net.Conn) {
					other := answer(query)
					other[1]++
					for range tt.noise {
						_, _ = conn.Write(other)
					}
					for range maxIgnored {
						_, _ = conn.Write(answer(query))
					}
				})
				if _, err := u.RoundTrip(t.Context(), query(1), tt.accept); !errors.Is(err, tt.want) {
					t.Errorf("error %v, want %v", err, tt.want)
				}
			})
		})
	}
}

func TestUDPTakesANewIDEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := map[uint16]bool{}
		u := packets(t, func(query []byte, conn net.Conn) {
			ids[messageID(query)] = true
			_, _ = conn.Write(answer(query))
		})
		for range 10 {
			if _, err := u.RoundTrip(t.Context(), query(1), accepting(1)); err != nil {
				t.Fatal(err)
			}
		}
		if len(ids) < 8 { // two may be equal by chance
			t.Errorf("IDs %v", ids)
		}
	})
}

func TestUDPEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reason := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		u := packets(t, func(_ []byte, conn net.Conn) {
			cancel(reason)
			_, _ = conn.Read(make([]byte, 1))
		})
		if _, err := u.RoundTrip(ctx, query(1), accepting(1)); !errors.Is(err, reason) {
			t.Errorf("error %v", err)
		}
	})
}
