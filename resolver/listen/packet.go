package listen

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// packetSocket is a UDP socket.
type packetSocket struct {
	conn *net.UDPConn
	raw  syscall.RawConn // of conn
	// wildcard sockets get from each packet which of the machine's addresses it
	// was sent to, since the reply has to come from there.
	wildcard bool
	lost     atomic.Uint64 // by the time it was closed
	handled  atomic.Uint64 // messages, once their replies are on their way
}

// bindPackets opens sockets on one address, among which the kernel distributes the
// clients, until there are count, and takes over the given ones. Port 0 is one for
// all of them.
//
// The first is bound alone and lets the others in only then: an address that
// another socket has already, with or without SO_REUSEPORT, is an error. Another
// process's, which was inherited, may let none in: then those there are do.
func bindPackets(addr netip.AddrPort, sockets []*packetSocket, count int) ([]*packetSocket, error) {
	inherited := len(sockets) > 0
	if !inherited {
		first, err := bindPacket(addr, false)
		if err != nil {
			return nil, err
		}
		sockets = append(sockets, first)
	}
	var err error
	if len(sockets) < count {
		err = sockets[0].setOption(unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}
	for err == nil && len(sockets) < count {
		var next *packetSocket
		if next, err = bindPacket(netip.AddrPortFrom(addr.Addr(), sockets[0].addr().Port()), true); err == nil {
			sockets = append(sockets, next)
		}
	}
	if err != nil && !inherited {
		closeAll(sockets)
		return nil, err
	}
	return sockets, nil
}

func closeAll(sockets []*packetSocket) {
	for _, s := range sockets {
		_ = s.close()
	}
}

func bindPacket(addr netip.AddrPort, shared bool) (*packetSocket, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		if shared {
			if err := setOption(raw, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
				return err
			}
		}
		return preparePacket(raw, addr.Addr())
	}}
	conn, err := config.ListenPacket(context.Background(), "udp"+familyOf(addr.Addr()), addr.String())
	if err != nil {
		return nil, err
	}
	return newPacketSocket(conn.(*net.UDPConn), addr.Addr())
}

// preparePacket sets what a socket for queries to an address needs.
func preparePacket(raw syscall.RawConn, addr netip.Addr) error {
	switch {
	case !addr.IsUnspecified():
		return keepOnLink(raw, addr)
	case addr.Is4():
		return setOption(raw, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	}
	return setOption(raw, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
}

// newPacketSocket closes conn if it returns an error.
func newPacketSocket(conn *net.UDPConn, addr netip.Addr) (*packetSocket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	p := &packetSocket{conn: conn, raw: raw, wildcard: addr.IsUnspecified()}
	p.enlarge()
	return p, nil
}

func (p *packetSocket) addr() netip.AddrPort { return p.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (p *packetSocket) setOption(level, option, value int) error {
	return setOption(p.raw, level, option, value)
}

// receiveBuffer has room for some 20,000 queries, in bytes, of which the kernel
// takes twice as many: what comes within a second, while the service manager starts
// the next process after a crash, may all be in one of the sockets of an address.
// What does not fit is lost without an answer.
const receiveBuffer = 8 << 20

// enlarge requests room for bursts: as much as is wanted, with the privilege,
// else as much as the system allows every process. Less is enough as long as
// there are no bursts, and more, as a socket unit may have it, stays.
func (p *packetSocket) enlarge() {
	if p.buffer() >= 2*receiveBuffer {
		return
	}
	if p.setOption(unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		_ = p.setOption(unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
}

// buffer is the size of the receive buffer as the kernel counts it: twice what was
// requested.
func (p *packetSocket) buffer() (size int) {
	_ = p.raw.Control(func(fd uintptr) { size, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF) })
	return size
}

// dropped is how many messages the kernel could not deliver, because the buffer
// was full or because they were broken.
func (p *packetSocket) dropped() uint64 {
	var info [unix.SK_MEMINFO_VARS]uint32
	size, errno := uint32(unsafe.Sizeof(info)), unix.Errno(0)
	err := p.raw.Control(func(fd uintptr) {
		_, _, errno = unix.RawSyscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	})
	if err != nil || errno != 0 {
		return p.lost.Load()
	}
	return uint64(info[unix.SK_MEMINFO_DROPS])
}

// close keeps the socket's counts.
func (p *packetSocket) close() error {
	p.lost.Store(p.dropped())
	return ignoreClosed(p.conn.Close())
}
