package listen

import (
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"
)

// destinationRoom is enough for the control message that tells where a packet
// was sent to.

const destinationRoom = 64

// askForDestination makes the kernel add such a message to each packet (RFC
// 3542, section 6.1, and ip(7)).
func askForDestination(raw syscall.RawConn, v4 bool) error {
	var err error
	controlErr := raw.Control(func(fd uintptr) {
		if v4 {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		} else {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		}
	})
	if controlErr != nil {
		return controlErr
	}
	return err
}

// replySource turns the control message of a packet into the one that makes
// the reply leave from where the packet was sent to, in place. Without a
// message there is none.
//
// The same structure serves both ways. Only the interface is cleared, so that
// the reply is routed and need not leave where the query came in; a link-local
// address, which means nothing without its interface, keeps it.
func replySource(control []byte) []byte {
	if len(control) == 0 {
		return nil
	}
	header, body, rest, err := unix.ParseOneSocketControlMessage(control)
	if err != nil {
		return nil
	}
	switch {
	case header.Level == unix.IPPROTO_IP && header.Type == unix.IP_PKTINFO && len(body) >= unix.SizeofInet4Pktinfo:
		// struct in_pktinfo: interface, local address, destination.
		clear(body[:4])
	case header.Level == unix.IPPROTO_IPV6 && header.Type == unix.IPV6_PKTINFO && len(body) >= unix.SizeofInet6Pktinfo:
		// struct in6_pktinfo: destination, interface.
		if linkLocal := binary.BigEndian.Uint16(body)&0xffc0 == 0xfe80; !linkLocal {
			clear(body[16:20])
		}
	default:
		return nil
	}
	return control[:len(control)-len(rest)]
}
