package curator

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// When the address of a connection is gone nothing gets through, in silence. It is
// replaced at once then, and only then.
func TestConnectionFromAnAddressThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		nodes, want := sample(1)
		p, cfg := newPlaneInMemory(t, 1, nodes...)
		cfg.Endpoints = endpointsAt(p.addresses[0])
		var lost hole
		var gone atomic.Bool
		w, r, _ := watch(t, cfg, p.use, func(w *Watcher) {
			w.isGone = func(net.Addr) bool { return gone.Load() }
			w.dialContext = func(ctx context.Context, kind, address string) (net.Conn, error) {
				conn, err := p.network.dial(ctx, kind, address)
				if lost.isClosed() {
					return conn, err // it is from another address
				}
				return holeConn{conn, &lost}, err
			}
		})
		r.awaitNodes(t, want)
		dialled := p.network.dials()
		w.NetworkChanged()
		synctest.Wait()
		if n := p.network.dials(); n != dialled || r.count("connected false") != 0 {
			t.Fatalf("%d connections were opened though none was lost: %s", n-dialled, r.story())
		}
		lost.close()
		gone.Store(true)
		began := time.Now()
		w.NetworkChanged()
		r.awaitCall(t, "complete", 2)
		if took := time.Since(began); took >= keepaliveTime {
			t.Errorf("the cluster was back after %v", took)
		}
		if len(w.sockets.from(w.isGone)) == 0 {
			t.Error("the new connections are not looked at")
		}
	})
}

func TestIsGone(t *testing.T) {
	t.Parallel()
	for addr, want := range map[net.Addr]bool{
		&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 53}: false,
		&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 53}: true,
		&net.UnixAddr{Name: "/run/curator"}:                false,
	} {
		if got := isGone(addr); got != want {
			t.Errorf("%v is gone: %t", addr, got)
		}
	}
}
