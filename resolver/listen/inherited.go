package listen

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// inherited are the sockets that the process was started with and that no
// listener has taken.
type inherited struct {
	handover *Handover
	sockets  []inheritedSocket
}

type inheritedSocket struct {
	file    *os.File
	network string // "udp" or "tcp"
	addr    netip.AddrPort
}

// takeInherited takes the sockets among what was inherited, and closes the rest. A
// socket unit's that is in the store too comes twice, and is taken once.
func (h *Handover) takeInherited() *inherited {
	in := &inherited{handover: h}
	var taken []os.FileInfo
	for _, file := range h.Inherited {
		socket, err := describeSocket(file)
		info, statErr := file.Stat()
		switch {
		case err != nil || statErr != nil:
			h.reject(file, errors.Join(err, statErr))
		case slices.ContainsFunc(taken, func(t os.FileInfo) bool { return os.SameFile(t, info) }):
			_ = file.Close()
		default:
			taken = append(taken, info)
			in.sockets = append(in.sockets, socket)
		}
	}
	h.Inherited = nil
	return in
}

var (
	errNotListening  = errors.New("it is not a UDP socket or a listening TCP socket of IPv4 or IPv6")
	errConnected     = errors.New("it is connected")
	errBothFamilies  = errors.New("it is for IPv4 and IPv6 at once; use a socket for each (BindIPv6Only=ipv6-only)")
	errNoListener    = errors.New("no listener of the configuration has its address")
	errAddressAbsent = errors.New("this machine does not have its address any more")
)

// describeSocket returns what an inherited descriptor is, or why it is not a socket
// that Bind could have made.
func describeSocket(file *os.File) (socket inheritedSocket, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return socket, err
	}
	socket.file = file
	controlErr := raw.Control(func(fd uintptr) { socket.network, socket.addr, err = describeDescriptor(int(fd)) })
	return socket, errors.Join(controlErr, err)
}

func describeDescriptor(fd int) (network string, addr netip.AddrPort, err error) {
	name, err := unix.Getsockname(fd)
	if err != nil {
		return "", addr, err
	}
	protocol, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if err != nil {
		return "", addr, err
	}
	listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil {
		return "", addr, err
	}
	switch {
	case protocol == unix.IPPROTO_UDP:
		network = "udp"
		if _, err := unix.Getpeername(fd); err == nil {
			return "", addr, errConnected
		}
	case protocol == unix.IPPROTO_TCP && listening != 0:
		network = "tcp"
	default:
		return "", addr, errNotListening
	}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		return network, netip.AddrPortFrom(netip.AddrFrom4(name.Addr), uint16(name.Port)), nil
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(name.Addr)
		if only, err := unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); err != nil || only == 0 && ip.IsUnspecified() {
			return "", addr, errors.Join(err, errBothFamilies)
		}
		if name.ZoneId != 0 {
			ip = ip.WithZone(strconv.FormatUint(uint64(name.ZoneId), 10))
		}
		return network, netip.AddrPortFrom(ip, uint16(name.Port)), nil
	}
	return "", addr, errNotListening
}

// claim leaves the sockets that have one of these addresses, and closes the rest: that
// of a wildcard would keep another address from being bound. What the store has under
// another name than the listener's is discarded there, for it is kept under that one
// next.
func (in *inherited) claim(addrs []netip.AddrPort) {
	names := map[netip.AddrPort]string{} // by addresses whose zones are numbers
	for _, addr := range addrs {
		if numbered, err := numberZone(addr.Addr()); err == nil {
			names[netip.AddrPortFrom(numbered, addr.Port())] = storeName(addr)
		}
	}
	in.sockets = slices.DeleteFunc(in.sockets, func(s inheritedSocket) bool {
		name, claimed := names[s.addr]
		switch {
		case !claimed:
			in.handover.reject(s.file, errNoListener)
		case s.file.Name() != name:
			in.handover.discardInherited(s.file.Name())
		}
		return !claimed
	})
}

// has reports whether there is a socket of an address, whose zone is a number.
func (in *inherited) has(addr netip.AddrPort) bool {
	return in != nil && slices.ContainsFunc(in.sockets, func(s inheritedSocket) bool { return s.addr == addr })
}

// take takes the sockets of an address.
func (in *inherited) take(network string, addr netip.AddrPort) (files []*os.File) {
	if in == nil {
		return nil
	}
	in.sockets = slices.DeleteFunc(in.sockets, func(s inheritedSocket) bool {
		if s.network != network || s.addr != addr {
			return false
		}
		files = append(files, s.file)
		return true
	})
	return files
}

// stream is a socket for TCP on an address, or nil. Of several one will do.
func (in *inherited) stream(addr netip.AddrPort) (listener *net.TCPListener, err error) {
	for _, file := range in.take("tcp", addr) {
		if listener == nil && err == nil {
			listener, err = inheritStream(file, addr.Addr())
		}
		_ = file.Close() // the listener has a descriptor of its own
	}
	return listener, err
}

func inheritStream(file *os.File, addr netip.Addr) (*net.TCPListener, error) {
	l, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	listener := l.(*net.TCPListener)
	raw, err := listener.SyscallConn()
	if err == nil {
		err = keepOnLink(raw, addr) // a socket unit has not done so
	}
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	return listener, nil
}

// packets are the sockets for UDP on an address. All of them are needed: the
// kernel distributes the clients among them.
func (in *inherited) packets(addr netip.AddrPort) (sockets []*packetSocket, err error) {
	for _, file := range in.take("udp", addr) {
		if err == nil {
			var socket *packetSocket
			if socket, err = inheritPacket(file, addr.Addr()); err == nil {
				sockets = append(sockets, socket)
			}
		}
		_ = file.Close() // the socket has a descriptor of its own
	}
	if err != nil {
		closeAll(sockets)
		return nil, err
	}
	return sockets, nil
}

func inheritPacket(file *os.File, addr netip.Addr) (*packetSocket, error) {
	conn, err := net.FilePacketConn(file)
	if err != nil {
		return nil, err
	}
	socket, err := newPacketSocket(conn.(*net.UDPConn), addr)
	if err != nil {
		return nil, err
	}
	if err := preparePacket(socket.raw, addr); err != nil {
		_ = socket.close()
		return nil, err
	}
	return socket, nil
}

// reject closes the sockets of an address.
func (in *inherited) reject(addr netip.AddrPort, why error) {
	for _, network := range [...]string{"udp", "tcp"} {
		for _, file := range in.take(network, addr) {
			in.handover.reject(file, why)
		}
	}
}

// reject closes an inherited descriptor that is not used, and has the store do so.
func (h *Handover) reject(file *os.File, why error) {
	name := file.Name()
	_ = file.Close() // nothing was written to it
	h.Logger.Info("an inherited descriptor is not used", "name", name, "reason", why)
	h.discardInherited(name)
}

// discardInherited discards what was inherited under a name, unless it is a socket
// unit's.
func (h *Handover) discardInherited(name string) {
	if strings.HasPrefix(name, storePrefix) {
		h.discard(name)
	}
}
