package listen

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// Progress is how far the loops of the UDP sockets had come at one moment.
// Comparing it with a later moment shows whether they work or hang, however
// many queries the kernel drops meanwhile.
type Progress struct{ marks []mark }

// mark is how far the loop of one socket had come.
type mark struct {
	listener netip.AddrPort
	socket   *packetSocket
	handled  uint64
	waiting  bool // there was something to be received
}

// Progress may be called at any time. It is cheap: one system call for each
// socket.
func (s *Sockets) Progress() (p Progress) {
	for _, l := range s.listeners {
		addr, bound := l.status().Addr, l.bound()
		if bound == nil {
			continue
		}
		for _, socket := range bound.udp {
			// The count first: a query that comes in between must be handled too.
			handled := socket.handled.Load()
			p.marks = append(p.marks, mark{addr, socket, handled, socket.waiting()})
		}
	}
	return p
}

// Handled reports whether a listener has handled anything since.
func (p Progress) Handled(listener netip.AddrPort) bool {
	for _, m := range p.marks {
		if m.listener == listener && m.moved() {
			return true
		}
	}
	return false
}

// Stalled are the listeners of which a loop had queries waiting at that moment,
// still has, and has not handled any since.
func (p Progress) Stalled() (listeners []netip.AddrPort) {
	for _, m := range p.marks {
		if m.waiting && !m.moved() && m.socket.waiting() {
			listeners = append(listeners, m.listener)
		}
	}
	return listeners
}

func (m mark) moved() bool { return m.socket.handled.Load() != m.handled }

// waiting reports whether there is something to be received. A closed socket has
// nothing, and neither has one whose next message is empty, which is no query.
func (p *packetSocket) waiting() bool {
	var size int
	err := p.raw.Control(func(fd uintptr) { size, _ = unix.IoctlGetInt(int(fd), unix.SIOCINQ) })
	return err == nil && size > 0
}
