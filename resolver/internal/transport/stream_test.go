package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// peer is a scripted server at the other end of pipes.
type peer struct {
	serve   func(nth int, conn net.Conn) // nth from 1
	running sync.WaitGroup

	mu    sync.Mutex
	dials int
}

func (p *peer) dial(context.Context) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dials++
	ours, theirs := net.Pipe()
	nth := p.dials
	p.running.Go(func() {
		defer theirs.Close()
		p.serve(nth, theirs)
	})
	return ours, nil
}

func (p *peer) dialled() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dials
}

// receive is the next query on a connection, or nil at its end.
func receive(conn net.Conn) []byte {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil
	}
	message := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, message); err != nil {
		return nil
	}
	return message
}

func send(conn net.Conn, message []byte) {
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
}

// answer makes a query its own reply.
func answer(query []byte) []byte {
	reply := bytes.Clone(query)
	reply[2] |= 0x80
	return reply
}

func echo(_ int, conn net.Conn) {
	for query := receive(conn); query != nil; query = receive(conn) {
		send(conn, answer(query))
	}
}

// query is one that a number distinguishes from others.
func query(n byte) []byte { return append(make([]byte, headerLen), n) }

// accepting takes the reply to query n.
func accepting(n byte) Accept {
	return func(message []byte) error {
		if len(message) != headerLen+1 || message[headerLen] != n {
			return ErrNotOurs
		}
		return nil
	}
}

// bubble runs a test of a Stream, and checks that nothing is left over.
func bubble(t *testing.T, limits StreamLimits, serve func(int, net.Conn), f func(*testing.T, *Stream, *peer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &peer{serve: serve}
		defer p.running.Wait()
		scope := NewScope(t.Context())
		defer scope.End()
		f(t, NewStream(scope, p.dial, limits), p)
	})
}

func mustAsk(t *testing.T, s *Stream, n byte) {
	t.Helper()
	got, err := s.RoundTrip(t.Context(), query(n), accepting(n))
	if err != nil || got[headerLen] != n {
		t.Errorf("query %d: got %v, %v", n, got, err)
	}
}

func TestStreamKeepsItsConnection(t *testing.T) {
	bubble(t, StreamLimits{}, echo, func(t *testing.T, s *Stream, p *peer) {
		for n := range byte(10) {
			mustAsk(t, s, n)
		}
		if n := p.dialled(); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestStreamClosesAnIdleConnection(t *testing.T) {
	bubble(t, StreamLimits{Idle: time.Second}, echo, func(t *testing.T, s *Stream, p *peer) {
		mustAsk(t, s, 1)
		time.Sleep(999 * time.Millisecond)
		mustAsk(t, s, 2)
		time.Sleep(time.Second)
		synctest.Wait()
		mustAsk(t, s, 3)
		if n := p.dialled(); n != 2 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestStreamTakesRepliesInAnyOrder(t *testing.T) {
	backwards := func(_ int, conn net.Conn) {
		var queries [][]byte
		ids := map[uint16]bool{}
		for range 50 {
			queries = append(queries, receive(conn))
			ids[messageID(queries[len(queries)-1])] = true
		}
		if len(ids) != 50 {
			return // and all of them fail
		}
		for i := range queries {
			send(conn, answer(queries[49-i]))
		}
		receive(conn)
	}
	bubble(t, StreamLimits{}, backwards, func(t *testing.T, s *Stream, p *peer) {
		var all sync.WaitGroup
		for n := range byte(50) {
			all.Go(func() { mustAsk(t, s, n) })
		}
		all.Wait()
		if n := p.dialled(); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestStreamRetriesOnceWhenAnIdleConnectionWasClosed(t *testing.T) {
	hangsUp := func(_ int, conn net.Conn) { // on the second query
		send(conn, answer(receive(conn)))
		receive(conn)
	}
	t.Run("a new one answers", func(t *testing.T) {
		bubble(t, StreamLimits{}, hangsUp, func(t *testing.T, s *Stream, p *peer) {
			mustAsk(t, s, 1)
			mustAsk(t, s, 2)
			if n := p.dialled(); n != 2 {
				t.Errorf("%d connections", n)
			}
		})
	})
	t.Run("closed while idle", func(t *testing.T) {
		bubble(t, StreamLimits{}, func(_ int, conn net.Conn) {
			send(conn, answer(receive(conn)))
		}, func(t *testing.T, s *Stream, p *peer) {
			for n := range byte(3) {
				mustAsk(t, s, n)
			}
			if n := p.dialled(); n != 3 {
				t.Errorf("%d connections", n)
			}
		})
	})
	t.Run("the new one does not", func(t *testing.T) {
		bubble(t, StreamLimits{}, func(nth int, conn net.Conn) {
			if nth == 1 {
				send(conn, answer(receive(conn)))
			}
			receive(conn)
		}, func(t *testing.T, s *Stream, p *peer) {
			mustAsk(t, s, 1)
			if _, err := s.RoundTrip(t.Context(), query(2), accepting(2)); !errors.Is(err, errClosed) || p.dialled() != 2 {
				t.Errorf("error %v after %d connections", err, p.dialled())
			}
			if _, err := s.RoundTrip(t.Context(), query(3), accepting(3)); !errors.Is(err, errClosed) || p.dialled() != 3 {
				t.Errorf("on a fresh one: error %v after %d connections", err, p.dialled())
			}
		})
	})
}

// A server that vanished without closing costs one timeout, not one for
// each query until TCP gives up.
func TestStreamLeavesASilentConnection(t *testing.T) {
	bubble(t, StreamLimits{}, func(nth int, conn net.Conn) {
		if nth > 1 {
			echo(nth, conn)
			return
		}
		send(conn, answer(receive(conn)))
		_, _ = io.Copy(io.Discard, conn)
	}, func(t *testing.T, s *Stream, p *peer) {
		mustAsk(t, s, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.RoundTrip(ctx, query(2), accepting(2)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		mustAsk(t, s, 3)
		if n := p.dialled(); n != 2 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestStreamOutlivesAQueryThatGivesUp(t *testing.T) {
	bubble(t, StreamLimits{}, func(_ int, conn net.Conn) {
		first := receive(conn)
		second := receive(conn)
		send(conn, answer(first)) // no query waits for it
		send(conn, answer(second))
		receive(conn)
	}, func(t *testing.T, s *Stream, p *peer) {
		ctx, cancel := context.WithCancel(t.Context())
		late := make(chan struct{})
		go func() {
			defer close(late)
			_, _ = s.RoundTrip(ctx, query(1), accepting(1))
		}()
		synctest.Wait()
		cancel()
		<-late
		mustAsk(t, s, 2)
		if n := p.dialled(); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestStreamIgnoresWhatIsNoReply(t *testing.T) {
	noise := func(query []byte, times int) (all [][]byte) {
		otherID := answer(query)
		otherID[0]++
		otherQuestion := answer(query)
		otherQuestion[headerLen]++
		for range times {
			all = append(all, nil, []byte("?"), bytes.Clone(query), otherID, otherQuestion)
		}
		return all
	}
	for name, tt := range map[string]struct {
		times int
		want  error
	}{"some": {5, nil}, "a flood": {maxIgnored, ErrFlooded}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, StreamLimits{}, func(_ int, conn net.Conn) {
				query := receive(conn)
				for _, message := range noise(query, tt.times) {
					send(conn, message)
				}
				send(conn, answer(query))
				receive(conn)
			}, func(t *testing.T, s *Stream, _ *peer) {
				if _, err := s.RoundTrip(t.Context(), query(1), accepting(1)); !errors.Is(err, tt.want) {
					t.Errorf("error %v, want %v", err, tt.want)
				}
			})
		})
	}
}

func TestStreamIsBounded(t *testing.T) {
	limits := StreamLimits{InFlight: 2, Connections: 2}
	bubble(t, limits, func(_ int, conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, func(t *testing.T, s *Stream, p *peer) {
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for n := range byte(4) {
			all.Go(func() { _, _ = s.RoundTrip(ctx, query(n), accepting(n)) })
		}
		synctest.Wait()
		if _, err := s.RoundTrip(ctx, query(5), accepting(5)); !errors.Is(err, ErrBusy) || p.dialled() != 2 {
			t.Errorf("error %v with %d connections", err, p.dialled())
		}
		cancel()
		all.Wait()
		s.Close()
		synctest.Wait()
		p.serve = echo
		mustAsk(t, s, 6)
	})
}

func TestStreamWhoseServerDoesNotRead(t *testing.T) {
	bubble(t, StreamLimits{}, func(int, net.Conn) { time.Sleep(time.Minute) }, func(t *testing.T, s *Stream, _ *peer) {
		if _, err := s.RoundTrip(t.Context(), query(1), accepting(1)); !errors.Is(err, errClosed) {
			t.Errorf("error %v", err)
		}
	})
}

func TestScopeEndsTheConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{serve: func(_ int, conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }}
		scope := NewScope(t.Context())
		s := NewStream(scope, p.dial, StreamLimits{})
		failed := make(chan error)
		go func() {
			_, err := s.RoundTrip(t.Context(), query(1), accepting(1))
			failed <- err
		}()
		synctest.Wait()
		go scope.End()
		if err := <-failed; err == nil {
			t.Error("a reply out of nowhere")
		}
		scope.End() // again, and in parallel
		if _, err := s.RoundTrip(t.Context(), query(2), accepting(2)); !errors.Is(err, ErrEnded) {
			t.Errorf("after the end: error %v", err)
		}
	})
}

func TestStreamThatCannotConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scope := NewScope(t.Context())
		defer scope.End()
		refused := errors.New("refused")
		s := NewStream(scope, func(context.Context) (net.Conn, error) { return nil, refused }, StreamLimits{})
		if _, err := s.RoundTrip(t.Context(), query(1), accepting(1)); !errors.Is(err, refused) {
			t.Errorf("error %v", err)
		}
		s = NewStream(scope, func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, StreamLimits{})
		if _, err := s.RoundTrip(t.Context(), query(1), accepting(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

// Whatever arrives on a connection, the query ends.
func FuzzStream(f *testing.F) {
	f.Add([]byte{0, 1, 2, 0, 13, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Add([]byte{0xff, 0xff, 0})
	f.Fuzz(func(t *testing.T, bytes []byte) {
		bubble(t, StreamLimits{}, func(_ int, conn net.Conn) {
			receive(conn)
			_, _ = conn.Write(bytes)
		}, func(t *testing.T, s *Stream, _ *peer) {
			if got, err := s.RoundTrip(t.Context(), query(1), accepting(1)); err == nil && accepting(1)(got) != nil {
				t.Errorf("got %v", got)
			}
		})
	})
}
