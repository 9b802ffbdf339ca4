package curator

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/watchers/curator/memory"
)

// hole is where a network drops packets, on the way to an address: what is
// written to a connection is lost, and nothing arrives. New connections get no
// answer.
type hole struct {
	mu     sync.Mutex
	closed bool
}

// holeConn drops what is written once the hole is closed, and holds back what
// comes.
type holeConn struct {
	net.Conn
	hole *hole
}

func (h *hole) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

func (c holeConn) Write(p []byte) (int, error) {
	if c.hole.isClosed() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c holeConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.hole.isClosed() {
			return n, err
		}
	}
}

func (h *hole) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
}

// A partition shows by silence only. Keepalive finds it in 15 seconds.
func TestPartition(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		nodes, want := sample(1)
		p, cfg := newPlaneInMemory(t, 1, nodes...)
		p.servers[0].Behave(memory.Behaviour{NoLeaderStream: true}) // or the path round the hole were known
		const through = "127.0.0.1:1"
		cfg.Endpoints = endpointsAt(through, p.addresses[0])
		var h hole
		w, r, _ := watch(t, cfg, p.use, func(w *Watcher) {
			w.dialContext = func(ctx context.Context, kind, address string) (net.Conn, error) {
				if address != through {
					return p.network.dial(ctx, kind, address)
				}
				conn, err := p.network.dial(ctx, kind, p.addresses[0])
				return holeConn{conn, &h}, err
			}
		})
		r.awaitNodes(t, want)
		h.close()
		began := time.Now()
		r.awaitCall(t, "connected false", 1)
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("the partition was noticed after %v", took)
		}
		// The path through the hole stays shut, so the next one is taken.
		r.awaitCall(t, "complete", 2)
		if status := awaitState(t, w, StateConnected); status.Endpoint != p.addresses[0] || strings.Contains(r.story(), "gone") {
			t.Errorf("status %+v, got %s", status, r.story())
		}
	})
}

// Something listens and sends nothing, as a process that is stopped does.
func TestMuteEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		nodes, want := sample(1)
		p, cfg := newPlaneInMemory(t, 1, nodes...)
		p.servers[0].Behave(memory.Behaviour{NoLeaderStream: true})
		const mute = "127.0.0.1:1"
		defer p.network.listen(mute).Close()
		var log logbook
		cfg.Endpoints, cfg.Logger = endpointsAt(mute, p.addresses[0]), log.Logger()
		_, r, _ := watch(t, cfg, p.use)
		r.awaitNodes(t, want)
		if text := log.String(); !strings.Contains(text, mute) || strings.Contains(text, errSilent.Error()) {
			t.Errorf("the time-out of the connection did not end the attempt:\n%s", text)
		}
	})
}
