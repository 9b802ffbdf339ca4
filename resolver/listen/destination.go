package listen

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// destinationRoom is enough for the control message with where a packet was
// sent to, which is requested by a socket option (RFC 3542, section 6.1, and
// ip(7)).
const destinationRoom = 64

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
