package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Shows RFC 7766 6.2.1.
func TestStreamKeepsItsConnection(t *testing.T) {
	bubble(t, Limits{}, echo, func(t *testing.T, s *Kept, p *peer) {
		for n := range byte(10) {
			mustAsk(t, s, n)
		}
		if n := p.dialled(); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

// Shows RFC 7766 6.2.4a.
func TestStreamClosesAnIdleConnection(t *testing.T) {
	bubble(t, Limits{Idle: time.Second}, echo, func(t *testing.T, s *Kept, p *peer) {
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

// Shows RFC 7766 6.2.1.1b, 6.2.2a, 7b.
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
	bubble(t, Limits{}, backwards, func(t *testing.T, s *Kept, p *peer) {
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

// Shows RFC 7766 6.2.1.1c, 6.2.4d.
// Shows RFC 9520 3.1.
func TestStreamSendsAgainWhenAConnectionEnds(t *testing.T) {
	t.Run("on the next query", func(t *testing.T) {
		bubble(t, Limits{}, func(_ int, conn net.Conn) {
			send(conn, answer(receive(conn)))
			receive(conn)
		}, func(t *testing.T, s *Kept, p *peer) {
			mustAsk(t, s, 1)
			mustAsk(t, s, 2)
			if n := p.dialled(); n != 2 {
				t.Errorf("%d connections", n)
			}
		})
	})
	t.Run("while idle", func(t *testing.T) {
		bubble(t, Limits{}, func(_ int, conn net.Conn) {
			send(conn, answer(receive(conn)))
		}, func(t *testing.T, s *Kept, p *peer) {
			for n := range byte(3) {
				mustAsk(t, s, n)
			}
			if n := p.dialled(); n != 3 {
				t.Errorf("%d connections", n)
			}
		})
	})
	t.Run("new ones too", func(t *testing.T) {
		bubble(t, Limits{}, func(nth int, conn net.Conn) {
			query := receive(conn)
			if nth == maxSends {
				send(conn, answer(query))
			}
		}, func(t *testing.T, s *Kept, _ *peer) { mustAsk(t, s, 1) })
	})
	t.Run("always", func(t *testing.T) {
		bubble(t, Limits{}, func(_ int, conn net.Conn) { receive(conn) }, func(t *testing.T, s *Kept, p *peer) {
			for n := range byte(2) {
				if _, err := s.RoundTrip(t.Context(), query(n), accepting(n)); !errors.Is(err, errClosed) || p.dialled() != 3*int(n+1) {
					t.Errorf("error %v after %d connections", err, p.dialled())
				}
			}
		})
	})
}

// Servers that answer one query for each connection, though more are waiting on
// it, and then close it.
// Shows RFC 7766 6.2.2a.
func TestStreamToAServerOfOneQueryEach(t *testing.T) {
	for name, serve := range map[string]func(int, net.Conn){
		"answering": func(_ int, conn net.Conn) { send(conn, answer(receive(conn))) },
		"at first none": func(nth int, conn net.Conn) {
			query := receive(conn)
			if nth > 1 {
				send(conn, answer(query))
			}
		},
		"reading all": func(_ int, conn net.Conn) {
			query := receive(conn)
			_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			for receive(conn) != nil {
			}
			send(conn, answer(query))
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Limits{}, serve, func(t *testing.T, s *Kept, p *peer) {
				for range 3 {
					askAll(t, s, 20)
				}
				if p.most > s.limits.Apart {
					t.Errorf("%d connections at once", p.most)
				}
			})
		})
	}
}

// A server that was only restarted is given several queries on a connection again,
// after a while.
func TestStreamPipelinesAgain(t *testing.T) {
	bubble(t, Limits{}, func(nth int, conn net.Conn) {
		if nth > 1 {
			echo(nth, conn)
			return
		}
		receive(conn)
	}, func(t *testing.T, s *Kept, p *peer) {
		askAll(t, s, 20)
		time.Sleep(apartFor)
		before := p.dialled()
		askAll(t, s, 20)
		if n := p.dialled() - before; n > 1 {
			t.Errorf("%d connections more", n)
		}
	})
}

// A connection that a NAT has forgotten costs its queries what the server usually
// takes, and a new connection.
func TestStreamLeavesASilentConnection(t *testing.T) {
	const takes = 30 * time.Millisecond
	bubble(t, Limits{}, func(nth int, conn net.Conn) {
		for queries := 0; ; queries++ {
			query := receive(conn)
			if query == nil {
				return
			}
			if nth > 1 || queries == 0 {
				go func() {
					time.Sleep(takes)
					send(conn, answer(query))
				}()
			}
		}
	}, func(t *testing.T, s *Kept, p *peer) {
		mustAsk(t, s, 1)
		began := time.Now()
		askAll(t, s, 30)
		// The time is the bubble's.
		if took := time.Since(began); took > minSilence+takes {
			t.Errorf("it took %v", took)
		}
		if n := p.dialled(); n != 2 {
			t.Errorf("%d connections", n)
		}
		askAll(t, s, 30)
		if n := p.dialled(); n != 2 {
			t.Errorf("%d connections at last", n)
		}
	})
}

// One that falls silent just after the reply to another query is in doubt too.
func TestStreamLeavesAConnectionThatFallsSilent(t *testing.T) {
	const takes = 30 * time.Millisecond
	bubble(t, Limits{}, func(nth int, conn net.Conn) {
		if nth > 1 {
			echo(nth, conn)
			return
		}
		first := receive(conn)
		receive(conn)
		time.Sleep(takes)
		send(conn, answer(first))
		_, _ = io.Copy(io.Discard, conn)
	}, func(t *testing.T, s *Kept, p *peer) {
		began := time.Now()
		askAll(t, s, 2)
		if took := time.Since(began); took > 2*minSilence || p.dialled() != 2 {
			t.Errorf("it took %v, with %d connections", took, p.dialled())
		}
	})
}

// A reply that was only slow counts, and its connection stays.
func TestStreamWithASlowReply(t *testing.T) {
	bubble(t, Limits{}, func(nth int, conn net.Conn) {
		for query := receive(conn); query != nil; query = receive(conn) {
			if query[headerLen] == 2 && nth == 1 {
				time.Sleep(minSilence * 3 / 2)
			}
			if query[headerLen] != 2 || nth == 1 {
				send(conn, answer(query))
			}
		}
	}, func(t *testing.T, s *Kept, p *peer) {
		mustAsk(t, s, 1)
		mustAsk(t, s, 2)
		if n := p.dialled(); n != 2 {
			t.Errorf("%d connections", n)
		}
		s.mu.Lock()
		first := s.conns[0]
		s.mu.Unlock()
		if first.silent() || first.ended() {
			t.Error("the first connection is not in use any more")
		}
	})
}

// A new connection that is silent for as long as anybody waits is not used again.
func TestStreamLeavesASilentNewConnection(t *testing.T) {
	bubble(t, Limits{}, func(nth int, conn net.Conn) {
		if nth > 1 {
			echo(nth, conn)
			return
		}
		_, _ = io.Copy(io.Discard, conn)
	}, func(t *testing.T, s *Kept, _ *peer) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, err := s.RoundTrip(ctx, query(1), accepting(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		mustAsk(t, s, 2)
	})
}

// Shows RFC 7766 7c.
func TestStreamOutlivesAQueryThatGivesUp(t *testing.T) {
	bubble(t, Limits{}, func(_ int, conn net.Conn) {
		first := receive(conn)
		second := receive(conn)
		send(conn, answer(first)) // no query waits for it
		send(conn, answer(second))
		receive(conn)
	}, func(t *testing.T, s *Kept, p *peer) {
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

// Shows RFC 5452 9.1b.
// Shows RFC 7766 7c.
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
			bubble(t, Limits{}, func(_ int, conn net.Conn) {
				query := receive(conn)
				for _, message := range noise(query, tt.times) {
					send(conn, message)
				}
				send(conn, answer(query))
				receive(conn)
			}, func(t *testing.T, s *Kept, _ *peer) {
				if _, err := s.RoundTrip(t.Context(), query(1), accepting(1)); !errors.Is(err, tt.want) {
					t.Errorf("error %v, want %v", err, tt.want)
				}
			})
		})
	}
}

// Beyond the bounds queries wait for a place, in the order of their coming.
// Shows RFC 7766 6.2.2a.
func TestStreamIsBounded(t *testing.T) {
	limits := Limits{InFlight: 2, Connections: 2}
	bubble(t, limits, func(_ int, conn net.Conn) {
		for query := receive(conn); query != nil; query = receive(conn) {
			time.Sleep(10 * time.Millisecond)
			send(conn, answer(query))
		}
	}, func(t *testing.T, s *Kept, p *peer) {
		var all sync.WaitGroup
		for n := range byte(4) {
			all.Go(func() { mustAsk(t, s, n) })
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := s.RoundTrip(ctx, query(5), accepting(5)); !errors.Is(err, ErrBusy) || p.dialled() != 2 {
			t.Errorf("error %v with %d connections", err, p.dialled())
		}
		all.Go(func() { mustAsk(t, s, 6) })
		all.Wait()
		if p.dialled() != 2 {
			t.Errorf("%d connections", p.dialled())
		}
	})
}

func TestStreamWhoseServerDoesNotRead(t *testing.T) {
	bubble(t, Limits{}, func(int, net.Conn) { time.Sleep(time.Minute) }, func(t *testing.T, s *Kept, _ *peer) {
		if _, err := s.RoundTrip(t.Context(), query(1), accepting(1)); !errors.Is(err, errClosed) {
			t.Errorf("error %v", err)
		}
	})
}

func TestScopeEndsTheConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{serve: func(_ int, conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }}
		scope := NewScope(t.Context())
		s := NewStream(scope, p.dial, Limits{})
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
		s := NewStream(scope, func(context.Context) (net.Conn, error) { return nil, refused }, Limits{})
		if _, err := s.RoundTrip(t.Context(), query(1), accepting(1)); !errors.Is(err, refused) {
			t.Errorf("error %v", err)
		}
		s = NewStream(scope, func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, Limits{})
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
		bubble(t, Limits{}, func(_ int, conn net.Conn) {
			receive(conn)
			_, _ = conn.Write(bytes)
		}, func(t *testing.T, s *Kept, _ *peer) {
			if got, err := s.RoundTrip(t.Context(), query(1), accepting(1)); err == nil && accepting(1)(got) != nil {
				t.Errorf("got %v", got)
			}
		})
	})
}
