package listen

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sockaddr is a kernel socket address of either family.
type sockaddr struct{ unix.RawSockaddrInet6 }

// addrPort converts the address. The zone of a link-local one is the number of
// its interface: looking up the name would cost a system call, and the number
// serves callers as well.
func (a *sockaddr) addrPort() netip.AddrPort {
	// The port is at the same offset in both families, in network byte order.
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&a.Port))[:])
	if a.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(a))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port)
	}
	addr := netip.AddrFrom16(a.Addr).Unmap()
	if a.Scope_id != 0 {
		addr = addr.WithZone(strconv.FormatUint(uint64(a.Scope_id), 10))
	}
	return netip.AddrPortFrom(addr, port)
}
