package listen

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// pool holds the open TCP connections of all listeners, within the limits.
type pool struct {
	limits  Limits
	handler Handler
	clock   func() time.Duration

	outboxes outboxes

	mu      sync.Mutex
	open    map[*connection]struct{}
	clients map[netip.Addr]int
	refused uint64
}

func newPool(limits Limits, h Handler, clock func() time.Duration) *pool {
	return &pool{
		limits: limits, handler: h, clock: clock,
		open: map[*connection]struct{}{}, clients: map[netip.Addr]int{},
	}
}

// admit adds a connection to the pool, or closes it and returns nil when there
// is no room.
func (p *pool) admit(conn *net.TCPConn) *connection {
	remote := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	c := &connection{
		conn:   conn,
		pool:   p,
		client: netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port()),
		active: time.Now(),
	}
	if !p.enter(c) {
		_ = conn.Close()
		return nil
	}
	return c
}

// enter adds a connection, and evicts one that has been idle for long when
// there are too many. With none idle, or too many of the client's own, it does
// not.
func (p *pool) enter(c *connection) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	addr := c.client.Addr()
	// All of a machine's own programs share one address.
	tooMany := !addr.IsLoopback() && p.clients[addr] >= p.limits.PerClient
	if tooMany || len(p.open) >= p.limits.Connections && !p.closeIdleLocked() {
		p.refused++
		return false
	}
	p.open[c] = struct{}{}
	p.clients[addr]++
	return true
}

func (p *pool) stats() Connections {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Connections{Open: len(p.open), Limit: p.limits.Connections, Refused: p.refused}
}

// leave removes a connection.
func (p *pool) leave(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leaveLocked(c)
}

func (p *pool) leaveLocked(c *connection) {
	if _, ok := p.open[c]; !ok {
		return
	}
	delete(p.open, c)
	addr := c.client.Addr()
	if p.clients[addr]--; p.clients[addr] == 0 {
		delete(p.clients, addr)
	}
}

// closeIdle closes a connection that has been idle for long.
func (p *pool) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeIdleLocked()
}

// closeIdleLocked makes room for one connection and reports whether it did. A
// connection with half a query does not count as busy, or a client could hold
// its place by never finishing. Of many idle ones the oldest of a sample, which
// the map chooses at random, will do: checking all of them for each new client
// would let clients keep us busy by connecting.
func (p *pool) closeIdleLocked() bool {
	const sample = 64
	var oldest *connection
	var since time.Time
	seen := 0
	for c := range p.open {
		active, idle := c.idleSince()
		if !idle {
			continue
		}
		if oldest == nil || active.Before(since) {
			oldest, since = c, active
		}
		if seen++; seen == sample {
			break
		}
	}
	if oldest == nil {
		return false
	}
	p.leaveLocked(oldest)
	_ = oldest.conn.Close()
	return true
}
