package listen

import (
	"context"
	"net/netip"
	"testing"
	"time"
)

// serving is a Serve that a test ends itself, and waits for.
func serving(t *testing.T, h Handler, addr string) (s *Sockets, end context.CancelFunc, wait func()) {
	t.Helper()
	s, err := Bind([]netip.AddrPort{netip.MustParseAddrPort(addr)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, only(h)) }()
	return s, cancel, func() {
		t.Helper()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
}

// Queries received before the end are answered after it: a service that
// restarts costs its clients no timeout.
func TestUDPQueryInFlightIsAnsweredAtTheEnd(t *testing.T) {
	for name, addr := range map[string]string{"one address": "127.0.0.1:0", "wildcard": "0.0.0.0:0"} {
		t.Run(name, func(t *testing.T) {
			atEnd := slow(nil)
			s, end, wait := serving(t, answerer(func(m []byte, c Client, b []byte) ([]byte, Wait) {
				reply, inFlight := atEnd(m, c, b)
				if inFlight == nil {
					return reply, nil
				}
				return nil, func(ctx context.Context) []byte {
					defer time.Sleep(50 * time.Millisecond) // for a Serve that does not wait for it
					return inFlight(ctx)
				}
			}), addr)
			c := dial(t, "udp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), s.Addrs()[0].Port()))
			c.send([]byte(message("slow")))
			c.send([]byte(message("fast")))
			c.wantPacket(message("fast")) // so the slow one was read as well
			end()
			wait()
			c.wantPacket(message("slow"))
			again, err := Bind(s.Addrs())
			if err != nil {
				t.Fatalf("the sockets are still open: %v", err)
			}
			if err := again.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The Handler is blocked while more queries arrive than a batch takes, and
// released when the context of Serve has ended.
func TestUDPQueriesThatHaveArrivedAreAnsweredAtTheEnd(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	first := true
	s, end, wait := serving(t, answerer(func(m []byte, _ Client, b []byte) ([]byte, Wait) {
		if first {
			first = false
			close(entered)
			<-release
		}
		return append(b, m...), nil
	}), "127.0.0.1:0")
	c := dial(t, "udp", s.Addrs()[0])
	c.send([]byte(message("held")))
	<-entered
	const more = 3 * batchSize
	for range more {
		c.send([]byte(message("arrived")))
	}
	end()
	close(release)
	wait()
	c.wantPacket(message("held"))
	for range more {
		c.wantPacket(message("arrived"))
	}
}

// The Handler is blocked while more queries arrive on a connection, and released
// when the context of Serve has ended. Some of them are longer than what is read
// at once; all of them fit into the receive buffer.
func TestTCPQueriesThatHaveArrivedAreAnsweredAtTheEnd(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	first := true
	s, end, wait := serving(t, answerer(func(m []byte, _ Client, b []byte) ([]byte, Wait) {
		if first {
			first = false
			close(entered)
			<-release
		}
		return append(b, m[:minMessage]...), nil
	}), "127.0.0.1:0")
	c := dial(t, "tcp", s.Addrs()[0])
	c.send(frame(message("held")))
	<-entered
	const more = 7
	for range more {
		c.send(frame(message("arrived")))
		c.send(frame(message("long") + string(make([]byte, 3*inboxSize))))
	}
	end()
	close(release)
	c.wantFrame(message("held"))
	for range more {
		c.wantFrame(message("arrived"))
		c.wantFrame(message("long"))
	}
	wait()
	c.wantEnd()
}

// Connections that no process has accepted yet when it ends are answered too: with the
// listener the kernel would reset them. Here that is so of all, as the context of Serve
// has ended before it begins.
func TestTCPConnectionsThatWaitAreAnsweredAtTheEnd(t *testing.T) {
	s, err := Bind([]netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	var clients []client
	for range 3 {
		c := dial(t, "tcp", s.Addrs()[0])
		c.send(frame(message("first")))
		c.send(frame(message("second")))
		clients = append(clients, c)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := s.Serve(ended, only(echo)); err != nil {
		t.Errorf("Serve: %v", err)
	}
	for _, c := range clients {
		c.wantFrame(message("first"))
		c.wantFrame(message("second"))
		c.wantEnd()
	}
}

// What is in flight at the end has some time left, and no more than that.
func TestGraceOfQueriesInFlight(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		for name, grace := range map[string]time.Duration{"in time": time.Minute, "too late": time.Millisecond} {
			t.Run(network+" "+name, func(t *testing.T) {
				read, release := make(chan struct{}), make(chan struct{})
				s, err := Bind([]netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")})
				if err != nil {
					t.Fatal(err)
				}
				s.Limits.Grace = grace
				ctx, end := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() {
					ended <- s.Serve(ctx, only(answerer(func([]byte, Client, []byte) ([]byte, Wait) {
						close(read)
						return nil, func(ctx context.Context) []byte {
							select {
							case <-release:
								return []byte(message("answer"))
							case <-ctx.Done():
								return []byte(message("failure"))
							}
						}
					})))
				}()
				c := dial(t, network, s.Addrs()[0])
				want, wantReply := "failure", c.wantPacket
				if network == "udp" {
					c.send([]byte(message("query")))
				} else {
					c.send(frame(message("query")))
					wantReply = c.wantFrame
				}
				<-read
				end()
				if name == "in time" {
					want = "answer"
					close(release)
				}
				wantReply(message(want))
				if err := <-ended; err != nil {
					t.Errorf("Serve: %v", err)
				}
			})
		}
	}
}
