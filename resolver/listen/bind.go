package listen

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"
)

// Sockets are listeners, each with sockets for UDP and TCP while its address is
// there.
type Sockets struct {
	// Limits, Clock, Logger and Changed may be set before Serve. Clients get
	// the time from Clock, once for a batch of queries; nil gives none. A nil
	// Logger discards. Changed, if not nil, is called when a listener was bound
	// or closed while Serve runs; it must not block.
	Limits  Limits
	Clock   func() time.Duration
	Logger  *slog.Logger
	Changed func()

	listeners []*listener

	connections atomic.Pointer[pool] // of Serve; nil before
}

// loops is how many UDP sockets an address gets. What one of them receives is
// answered by one processor only; on a single processor a second socket is just
// overhead.
func loops() int {
	const most = 8 // a stub resolver needs no more, however large the machine
	return min(runtime.GOMAXPROCS(0), most)
}

// Bind opens the sockets of all addresses, or none of them, except for
// addresses that this machine does not have: Serve binds those when it has
// them. Port 0 is a free one, the same for UDP and TCP. Of the wildcards, [::]
// is IPv6 only. An error names the address, the process that holds it where
// that can be seen, and the remedy.
func Bind(addrs []netip.AddrPort) (*Sockets, error) { return new(Handover).Bind(addrs) }

func bindAll(addrs []netip.AddrPort, h *Handover, from *inherited) (*Sockets, error) {
	s := new(Sockets)
	for _, addr := range addrs {
		l := &listener{addr: addr, loops: loops(), handover: h}
		s.listeners = append(s.listeners, l)
		l.bind(from)
		if l.state == Failed {
			return nil, errors.Join(l.err, s.Close())
		}
	}
	return s, nil
}

// Addrs returns the addresses that are listened on now, with the ports chosen
// for port 0. It may be called at any time, as may Listeners.
func (s *Sockets) Addrs() (addrs []netip.AddrPort) {
	for _, l := range s.Listeners() {
		if l.State == Listening {
			addrs = append(addrs, l.Addr)
		}
	}
	return addrs
}

// Listeners reports the status of each listener, in the order of Bind.
func (s *Sockets) Listeners() []Status {
	all := make([]Status, 0, len(s.listeners))
	for _, l := range s.listeners {
		all = append(all, l.status())
	}
	return all
}

// Close closes all sockets, which are not kept any longer. Serve closes them itself
// when it returns.
func (s *Sockets) Close() error {
	s.discard()
	return s.close()
}

// areKept reports whether the sockets are kept for the next process.
func (s *Sockets) areKept() bool {
	return len(s.listeners) > 0 && s.listeners[0].handover.Store != nil // one Bind, one Handover
}

// discard has no socket kept any longer.
func (s *Sockets) discard() {
	for _, l := range s.listeners {
		l.discard()
	}
}

func (s *Sockets) close() error {
	var errs []error
	for _, l := range s.listeners {
		if p := l.bound(); p != nil {
			errs = append(errs, p.close())
		}
	}
	return errors.Join(errs...)
}

// Dropped returns how many UDP messages the kernel dropped, nearly always
// because they came faster than they were read. It may be called at any time.
func (s *Sockets) Dropped() uint64 {
	var n uint64
	for _, l := range s.listeners {
		n += l.dropped()
	}
	return n
}

// Connections are counts of TCP connections.
type Connections struct {
	Open    int    // now
	Limit   int    // of those
	Refused uint64 // closed at once: limit reached, in all or for one client
}

// Connections may be called at any time. Before Serve there are none.
func (s *Sockets) Connections() Connections {
	p := s.connections.Load()
	if p == nil {
		return Connections{}
	}
	return p.stats()
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
