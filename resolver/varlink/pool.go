package varlink

import (
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/nodedns/nodedns/internal/unixsocket"
)

const (
	// maxConnections bounds the connections in all, and maxPerUser those of one
	// user, so that none locks out the others. nss-resolve makes one for each
	// name.
	maxConnections = 1024
	maxPerUser     = 512

	// refusalInterval is the least time between two log lines about connections
	// that were refused.
	refusalInterval = time.Minute
)

// pool are the open connections.
type pool struct {
	log            *slog.Logger
	limit, perUser int // of connections in all, and of one user

	mu       sync.Mutex
	open     map[*net.UnixConn]unixsocket.Peer
	of       map[uint32]int // each user's
	refused  uint64
	logged   uint64    // of those that were refused
	loggedAt time.Time // when; zero: never
}

func newPool(log *slog.Logger) *pool {
	return &pool{
		log: log, limit: maxConnections, perUser: maxPerUser,
		open: map[*net.UnixConn]unixsocket.Peer{}, of: map[uint32]int{},
	}
}

// admit adds a connection, or closes it at once where the limits are reached:
// its client then falls back to another source of names.
func (p *pool) admit(conn *net.UnixConn, peer unixsocket.Peer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open) >= p.limit || p.of[peer.UID] >= p.perUser {
		_ = conn.Close()
		p.refuse(peer)
		return false
	}
	p.open[conn] = peer
	p.of[peer.UID]++
	return true
}

// refuse counts a connection that was refused, and logs all of them now
// and then. The caller holds mu.
func (p *pool) refuse(peer unixsocket.Peer) {
	p.refused++
	if now := time.Now(); p.loggedAt.IsZero() || now.Sub(p.loggedAt) >= refusalInterval {
		p.log.Warn("varlink connections refused: too many are open", "count", p.refused-p.logged,
			"open", len(p.open), "uid", peer.UID, "open_of_uid", p.of[peer.UID])
		p.logged, p.loggedAt = p.refused, now
	}
}

// release closes a connection.
func (p *pool) release(conn *net.UnixConn) {
	_ = conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	peer := p.open[conn]
	delete(p.open, conn)
	if p.of[peer.UID]--; p.of[peer.UID] == 0 {
		delete(p.of, peer.UID)
	}
}

// closeAll closes all connections, which their goroutines detect.
func (p *pool) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.open {
		_ = conn.Close()
	}
}

// count returns the number of connections that are open, and of all that were
// refused.
func (p *pool) count() (open int, refused uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open), p.refused
}
