package nodedns

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// mode is what a gate does with what comes.
type mode int

const (
	pass mode = iota
	hold      // as a process that is stopped: all of it arrives later
	drop      // as a network that loses everything: its connections break later
)

// gate is a way to a server on which things go wrong.
type gate struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	mode    mode
	changed chan struct{} // closed when the mode changes
}

func newGate(t *testing.T, target string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: l, target: target, changed: make(chan struct{})}
	background(t, func(ctx context.Context) {
		defer context.AfterFunc(ctx, func() { l.Close() })()
		var conns sync.WaitGroup
		defer conns.Wait()
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { g.forward(ctx, conn) })
		}
	})
	return g
}

func (g *gate) set(m mode) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mode = m
	close(g.changed)
	g.changed = make(chan struct{})
}

func (g *gate) present() (mode, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mode, g.changed
}

// forward carries a connection's bytes in both directions.
func (g *gate) forward(ctx context.Context, client net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer client.Close()
	server, err := net.DialTimeout("tcp", g.target, time.Second)
	if err != nil {
		return
	}
	defer server.Close()
	defer context.AfterFunc(ctx, func() {
		client.Close()
		server.Close()
	})()
	var directions sync.WaitGroup
	for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
		directions.Go(func() {
			defer cancel()
			g.carry(ctx, pair[1], pair[0])
		})
	}
	directions.Wait()
}

func (g *gate) carry(ctx context.Context, to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	lost := false
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		for m, changed := g.present(); m != pass; m, changed = g.present() {
			lost = lost || m == drop
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
		if lost {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// background runs f until the test ends.
func background(t *testing.T, f func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}
