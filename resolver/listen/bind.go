package listen

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// Sockets are bound sockets, for each address a TCP one, and as many for UDP as
// there are processors to serve them.
type Sockets struct {
	// Limits, Clock and Logger may be set before Serve. Clients are told the
	// time by Clock, once for a batch of queries; nil tells none. A nil Logger
	// discards.
	Limits Limits
	Clock  func() time.Duration
	Logger *slog.Logger

	udp   []*packetSocket // addresses one after the other
	tcp   []*net.TCPListener
	addrs []netip.AddrPort

	connections atomic.Pointer[pool] // of Serve; nil before
}

// loops is how many UDP sockets an address gets. What one of them receives is
// answered on one processor at a time; on a single processor a second socket
// only costs.
func loops() int {
	const most = 8 // a stub resolver needs no more, however large the machine
	return min(runtime.GOMAXPROCS(0), most)
}

// portAttempts is how often a port is chosen that has to be free for UDP and
// TCP alike.
const portAttempts = 8

// Bind opens the sockets of all addresses, or none of them. Port 0 is a free
// one, the same for UDP and TCP. Of the wildcards, [::] is IPv6 only. An error
// names the address, who holds it where that can be seen, and the remedy.
func Bind(addrs []netip.AddrPort) (*Sockets, error) {
	s := new(Sockets)
	for _, addr := range addrs {
		if err := s.bind(addr); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Addrs are the addresses that are listened on, with the ports that port 0
// became.
func (s *Sockets) Addrs() []netip.AddrPort { return s.addrs }

// Close closes all sockets. Serve does it itself when it returns.
func (s *Sockets) Close() error {
	var errs []error
	for _, socket := range s.udp {
		errs = append(errs, socket.close())
	}
	for _, listener := range s.tcp {
		errs = append(errs, ignoreClosed(listener.Close()))
	}
	return errors.Join(errs...)
}

// Dropped is how many UDP messages the kernel threw away, nearly always because
// they came faster than they were read. It may be called at any time.
func (s *Sockets) Dropped() uint64 {
	var n uint64
	for _, socket := range s.udp {
		n += socket.dropped()
	}
	return n
}

// Connections tell of TCP.
type Connections struct {
	Open    int    // now
	Limit   int    // of those
	Refused uint64 // closed at once, for want of room or as too many from one client
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

func (s *Sockets) bind(addr netip.AddrPort) error {
	for attempt := 1; ; attempt++ {
		err := s.bindPair(addr)
		switch {
		case err == nil:
			return nil
		case addr.Port() == 0 && errors.Is(err, syscall.EADDRINUSE) && attempt < portAttempts:
			// TCP got a port that somebody uses for UDP.
		default:
			return err
		}
	}
}

// bindPair binds TCP first: its free ports are scarcer.
func (s *Sockets) bindPair(addr netip.AddrPort) error {
	family := "6"
	if addr.Addr().Is4() {
		family = "4"
	}
	listener, err := net.ListenTCP("tcp"+family, net.TCPAddrFromAddrPort(addr))
	if err != nil {
		return bindError("tcp", addr, err)
	}
	port := uint16(listener.Addr().(*net.TCPAddr).Port)
	bound := netip.AddrPortFrom(addr.Addr(), port)
	sockets, err := bindPackets("udp"+family, bound, loops())
	if err != nil {
		return errors.Join(bindError("udp", bound, err), listener.Close())
	}
	s.tcp = append(s.tcp, listener)
	s.udp = append(s.udp, sockets...)
	s.addrs = append(s.addrs, bound)
	return nil
}

// bindError tells what to do about a failure to bind.
func bindError(network string, addr netip.AddrPort, err error) error {
	// What the net package adds to the cause is said here already.
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		err = errno
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on %v (%s): %w%s", addr, network, err, inUse("/proc", network, addr))
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return fmt.Errorf("listen on %v (%s): %w; give the process the capability CAP_NET_BIND_SERVICE, or listen on a port above 1023", addr, network, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("listen on %v (%s): %w; listen on an address that this machine has", addr, network, err)
	}
	return fmt.Errorf("listen on %v (%s): %w", addr, network, err)
}

// inUse names who holds an address, as can be seen below proc, and the remedy.
func inUse(proc, network string, addr netip.AddrPort) string {
	by, remedy, ok := Holder(proc, network, addr)
	if !ok {
		return "; " + remedy
	}
	return " by " + by + "; " + remedy
}
