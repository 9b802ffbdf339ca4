package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
)

// peer is a scripted server at the other end of pipes.
type peer struct {
	serve   func(nth int, conn net.Conn) // nth from 1
	running sync.WaitGroup

	mu    sync.Mutex
	dials int
	open  int // connections that we have not closed
	most  int // of them, at once
}

// counted is our end of a connection.
type counted struct {
	net.Conn
	close func()
}

func (c counted) Close() error {
	c.close()
	return c.Conn.Close()
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
	p.open++
	p.most = max(p.most, p.open)
	return counted{ours, sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.open--
	})}, nil
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
func bubble(t *testing.T, limits Limits, serve func(int, net.Conn), f func(*testing.T, *Kept, *peer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &peer{serve: serve}
		defer p.running.Wait()
		scope := NewScope(t.Context())
		defer scope.End()
		f(t, NewStream(scope, p.dial, limits), p)
	})
}

func mustAsk(t *testing.T, s *Kept, n byte) {
	t.Helper()
	got, err := s.RoundTrip(t.Context(), query(n), accepting(n))
	if err != nil || got[headerLen] != n {
		t.Errorf("query %d: got %v, %v", n, got, err)
	}
}

// askAll asks queries at once, and fails for each that is not answered.
func askAll(t *testing.T, s *Kept, queries byte) {
	t.Helper()
	var all sync.WaitGroup
	for n := range queries {
		all.Go(func() { mustAsk(t, s, n) })
	}
	all.Wait()
}
