package curator

import (
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"github.com/nodedns/nodedns/zone"
)

// connections are those of one plan: one for each endpoint, which all calls to the
// curator there share. A connection outlives its streams while its endpoint is
// kept, so that gRPC remembers which interval of pings suits the curator. One that
// could not be opened is replaced, at the time that suits the next call, and not
// gRPC: the pauses between attempts are ours.
type connections struct {
	w    *Watcher
	plan *plan

	mu      sync.Mutex // for all below, and for the users of each connection
	current map[Endpoint]*connection
	kept    map[Endpoint]int // by how many users
}

func newConnections(w *Watcher, p *plan) *connections {
	return &connections{w: w, plan: p, current: map[Endpoint]*connection{}, kept: map[Endpoint]int{}}
}

// connection is one to a curator.
type connection struct {
	*grpc.ClientConn
	endpoint Endpoint
	node     atomic.Pointer[zone.ID] // from its certificate; nil before, and in plain text
	attempt  cause                   // why the last attempt to connect failed
	users    int
}

// keep has the connection to an endpoint outlive its calls, until the function
// that it returns is called.
func (cs *connections) keep(endpoint Endpoint) (end func()) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.kept[endpoint]++
	return func() {
		cs.mu.Lock()
		defer cs.mu.Unlock()
		if cs.kept[endpoint]--; cs.kept[endpoint] == 0 {
			delete(cs.kept, endpoint)
			cs.closeUnused(cs.current[endpoint])
		}
	}
}

// open returns the connection to an endpoint for one more call, which begins to
// connect if need be. The node there was admitted with the handshake, and is
// checked again for each call after that.
func (cs *connections) open(endpoint Endpoint) (*connection, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.current[endpoint]
	if c != nil && c.GetState() == connectivity.TransientFailure {
		cs.drop(c)
		c = nil
	}
	if c == nil {
		c = &connection{endpoint: endpoint}
		var err error
		if c.ClientConn, err = cs.w.newClient(cs.plan, c); err != nil {
			return nil, err
		}
		cs.current[endpoint] = c
	} else if id := c.node.Load(); id != nil && c.GetState() == connectivity.Ready {
		if err := cs.w.admit(cs.plan, endpoint, *id); err != nil {
			cs.drop(c)
			return nil, err
		}
	}
	c.users++
	return c, nil
}

// release ends one call's use of a connection.
func (cs *connections) release(c *connection) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c.users--
	cs.closeUnused(c)
}

// drop has the next call take another connection. The caller holds the lock.
func (cs *connections) drop(c *connection) {
	delete(cs.current, c.endpoint)
	cs.closeUnused(c)
}

// closeUnused closes a connection that no call uses, or will use. The caller holds
// the lock.
func (cs *connections) closeUnused(c *connection) {
	if c == nil || c.users > 0 {
		return
	}
	if cs.current[c.endpoint] == c {
		if cs.kept[c.endpoint] > 0 {
			return
		}
		delete(cs.current, c.endpoint)
	}
	_ = c.Close()
}

// admit decides whether a node may speak at an endpoint.
func (w *Watcher) admit(p *plan, endpoint Endpoint, id zone.ID) error {
	return w.authority.admit(endpoint, slices.Contains(p.endpoints, endpoint), id)
}
