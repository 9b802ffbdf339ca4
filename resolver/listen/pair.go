package listen

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// pair is the sockets that listen on an address: one for TCP, and several for
// UDP.
type pair struct {
	addr netip.AddrPort // its zone, if any, is the number of the interface
	tcp  *net.TCPListener
	udp  []*packetSocket
}

// portAttempts is how often a port is chosen that has to be free for UDP and
// TCP alike.
const portAttempts = 8

// openPair opens the sockets of an address, so many for UDP, or none of them. It
// goes on with inherited ones where there are any.
func openPair(addr netip.AddrPort, loops int, from *inherited) (*pair, *bindError) {
	numbered, err := numberZone(addr.Addr())
	if err != nil {
		return nil, &bindError{"tcp", addr, err}
	}
	addr = netip.AddrPortFrom(numbered, addr.Port())
	if from.has(addr) && !assignable(numbered) {
		from.reject(addr, errAddressAbsent)
	}
	for attempt := 1; ; attempt++ {
		p, refused := tryPair(addr, loops, from)
		if refused == nil || addr.Port() != 0 || !errors.Is(refused, syscall.EADDRINUSE) || attempt == portAttempts {
			return p, refused
		}
		// TCP got a port that is in use for UDP.
	}
}

// tryPair binds TCP first: its free ports are scarcer.
func tryPair(addr netip.AddrPort, loops int, from *inherited) (*pair, *bindError) {
	listener, err := from.stream(addr)
	if listener == nil && err == nil {
		listener, err = bindStream(addr)
	}
	if err != nil {
		return nil, &bindError{"tcp", addr, rootCause(err)}
	}
	port := uint16(listener.Addr().(*net.TCPAddr).Port)
	bound := netip.AddrPortFrom(addr.Addr(), port)
	sockets, err := from.packets(bound)
	if err == nil {
		sockets, err = bindPackets(bound, sockets, loops)
	}
	if err != nil {
		_ = listener.Close() // it was not used
		return nil, &bindError{"udp", bound, rootCause(err)}
	}
	return &pair{addr: bound, tcp: listener, udp: sockets}, nil
}

func bindStream(addr netip.AddrPort) (*net.TCPListener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error { return keepOnLink(raw, addr.Addr()) }}
	// Multipath TCP has no benefit here, and its subflows get socket options
	// late.
	config.SetMultipathTCP(false)
	listener, err := config.Listen(context.Background(), "tcp"+familyOf(addr.Addr()), addr.String())
	if err != nil {
		return nil, err
	}
	return listener.(*net.TCPListener), nil
}

// rootCause leaves out what the net package adds, which is reported already.
func rootCause(err error) error {
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		return errno
	}
	return err
}

// assigned reports whether this machine still has the address that the pair was
// bound to, on the same interface if it has a zone.
func (p *pair) assigned(want netip.Addr) bool {
	numbered, err := numberZone(want)
	return err == nil && numbered == p.addr.Addr() && assignable(numbered)
}

// assignable reports whether this machine has an address, whose zone is a number.
// Sockets that are bound to it do not show it: they stay open, and work again when
// the address returns, unless its interface was deleted. So a trial bind tests
// whether the kernel would bind the address now.
func assignable(addr netip.Addr) bool {
	anyPort := net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0))
	conn, err := net.ListenUDP("udp"+familyOf(addr), anyPort)
	if err != nil {
		return !absent(err) // such as EMFILE, which is not about the address
	}
	return conn.Close() == nil
}

// service is what a pair answers with.
type service struct {
	handlers []Handler // one for each UDP socket
	kept     bool      // the sockets outlive us, and what waits in them is for the next process
	pool     *pool
	clock    func() time.Duration
	log      *slog.Logger
}

// serve answers until ctx ends or a socket fails, and closes the sockets.
func (p *pair) serve(ctx context.Context, with service) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, socket := range p.udp {
		group.Go(func() error { return socket.serve(ctx, with.handlers[i], with.clock, with.pool.limits) })
	}
	group.Go(func() error { return accept(ctx, p.tcp, with) })
	group.Go(func() error {
		<-ctx.Done()
		return ignoreClosed(p.tcp.SetDeadline(past)) // ends an accept that is waiting
	})
	return errors.Join(group.Wait(), p.close())
}

func (p *pair) dropped() (n uint64) {
	for _, socket := range p.udp {
		n += socket.dropped()
	}
	return n
}

func (p *pair) close() error {
	errs := []error{ignoreClosed(p.tcp.Close())}
	for _, socket := range p.udp {
		errs = append(errs, socket.close())
	}
	return errors.Join(errs...)
}
