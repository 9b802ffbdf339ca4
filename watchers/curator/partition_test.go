package curator

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nodedns/nodedns/watchers/curator/memory"
)

// blackhole forwards connections to an address until it is closed: from then
// on it takes bytes and gives none, as a network does that drops packets.
type blackhole struct {
	listener net.Listener
	closed   chan struct{}
}

func newBlackhole(t *testing.T, target string) *blackhole {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	b := &blackhole{listener: l, closed: make(chan struct{})}
	background(t, func(ctx context.Context) error {
		var conns sync.WaitGroup
		defer conns.Wait()
		defer context.AfterFunc(ctx, func() { l.Close() })()
		for {
			conn, err := l.Accept()
			if err != nil {
				return nil
			}
			conns.Go(func() { b.forward(ctx, conn, target) })
		}
	})
	return b
}

func (b *blackhole) forward(ctx context.Context, client net.Conn, target string) {
	defer client.Close()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	defer context.AfterFunc(ctx, func() {
		client.Close()
		server.Close()
	})()
	var directions sync.WaitGroup
	defer directions.Wait()
	for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
		directions.Go(func() { _, _ = io.Copy(sieve{b, pair[1]}, pair[0]) })
	}
}

// sieve writes until the blackhole is closed, and drops after that.
type sieve struct {
	*blackhole
	to io.Writer
}

func (s sieve) Write(p []byte) (int, error) {
	select {
	case <-s.closed:
		return len(p), nil
	default:
		return s.to.Write(p)
	}
}

// A partition shows by silence only. Keepalive finds it; how soon is for
// gRPC's timers to keep, which are set here and not measured.
func TestPartition(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for keepalive's 15 seconds: not with -short")
	}
	if keepaliveTime+keepaliveTimeout > 15*time.Second {
		t.Errorf("a partition is noticed after %v only", keepaliveTime+keepaliveTimeout)
	}
	nodes, want := sample(1)
	s, cfg := enrolled(t, nodes...)
	s.Behave(memory.Behaviour{NoLeaderStream: true}) // or the way round the hole were known
	address, _ := serve(t, s)
	hole := newBlackhole(t, address)
	cfg.Endpoints = []string{hole.listener.Addr().String(), address}
	w, r, _ := watch(t, cfg)
	r.awaitNodes(t, want)
	close(hole.closed)
	r.awaitCall(t, "connected false", 1)
	// The way through the hole stays shut, so the next one is taken.
	r.awaitCall(t, "complete", 2)
	if status := awaitState(t, w, StateConnected); status.Endpoint != address || strings.Contains(r.story(), "gone") {
		t.Errorf("status %+v, told %s", status, r.story())
	}
}

// Something listens and says nothing, as a process that is stopped does.
func TestMuteEndpoint(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for the connection's time-out: not with -short")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	nodes, want := sample(1)
	s, cfg := enrolled(t, nodes...)
	s.Behave(memory.Behaviour{NoLeaderStream: true})
	address, _ := serve(t, s)
	var log logbook
	cfg.Endpoints, cfg.Logger = []string{l.Addr().String(), address}, log.Logger()
	_, r, _ := watch(t, cfg)
	r.awaitNodes(t, want)
	if text := log.String(); !strings.Contains(text, l.Addr().String()) || strings.Contains(text, errSilent.Error()) {
		t.Errorf("the time-out of the connection did not end the attempt:\n%s", text)
	}
}
