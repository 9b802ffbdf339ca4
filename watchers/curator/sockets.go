package curator

import (
	"errors"
	"net"
	"sync"
	"syscall"
)

// sockets are the TCP connections to curators that are open. The zero value has
// none.
type sockets struct {
	mu   sync.Mutex
	open map[*socket]struct{}
}

// socket is one of them, until it is closed.
type socket struct {
	net.Conn
	among *sockets
}

// add has a new connection be among them.
func (s *sockets) add(conn net.Conn) net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[*socket]struct{}{}
	}
	c := &socket{conn, s}
	s.open[c] = struct{}{}
	return c
}

func (c *socket) Close() error {
	c.among.mu.Lock()
	delete(c.among.open, c)
	c.among.mu.Unlock()
	return c.Conn.Close()
}

// from are those from addresses for which gone is true.
func (s *sockets) from(gone func(net.Addr) bool) (some []*socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		if gone(c.LocalAddr()) {
			some = append(some, c)
		}
	}
	return some
}

// NetworkChanged is to be called when addresses of this machine have changed, from
// any goroutine. Connections from those that are gone are closed, and others opened:
// the kernel keeps the old ones, over which neither side reaches the other, until
// keepalive ends them. Those of a [Dialer] are its owner's to close.
func (w *Watcher) NetworkChanged() {
	for _, c := range w.sockets.from(w.isGone) {
		w.log.Info("the address of a connection to a curator is gone, reconnecting", "address", c.LocalAddr(), "curator", c.RemoteAddr())
		_ = c.Close() // whatever is still on its way is lost
	}
}

// isGone reports whether this machine does not have the address of a connection any
// more.
func isGone(local net.Addr) bool {
	addr, ok := local.(*net.TCPAddr)
	if !ok {
		return false
	}
	probe, err := net.ListenUDP("udp", &net.UDPAddr{IP: addr.IP, Zone: addr.Zone})
	if err != nil {
		return errors.Is(err, syscall.EADDRNOTAVAIL) // and not such as EMFILE
	}
	_ = probe.Close() // nothing was sent
	return false
}
