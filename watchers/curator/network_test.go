package curator

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc/test/bufconn"

	"github.com/nodedns/nodedns/watchers/curator/memory"
)

// network is one in memory, so that tests that wait for long run in a bubble of
// testing/synctest. Its addresses are made up.
type network struct {
	mu        sync.Mutex
	listeners map[string]*bufconn.Listener
	dialled   int
}

// loopbackConn shows an address of loopback, as plain text requires.
type loopbackConn struct{ net.Conn }

func (loopbackConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// listen takes an address, which may have been in use before.
func (n *network) listen(address string) net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners == nil {
		n.listeners = map[string]*bufconn.Listener{}
	}
	n.listeners[address] = bufconn.Listen(1 << 16)
	return n.listeners[address]
}

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialled++
	l := n.listeners[address]
	n.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("nothing listens at %s", address)
	}
	conn, err := l.DialContext(ctx)
	if err != nil {
		return nil, err
	}
	return loopbackConn{conn}, nil
}

// use has a watcher connect over it.
func (n *network) use(w *Watcher) { w.dialContext = n.dial }

// dials counts the connections that were tried.
func (n *network) dials() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dialled
}

// serve serves at an address until the test or the returned function ends it.
func (n *network) serve(t *testing.T, s *memory.Server, address string) func() {
	t.Helper()
	l := n.listen(address)
	return background(t, func(ctx context.Context) error { return s.Serve(ctx, l) })
}
