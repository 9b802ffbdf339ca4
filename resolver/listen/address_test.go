package listen

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestAddrPort(t *testing.T) {
	v6 := func(addr string, scope uint32) (a sockaddr) {
		a.Family, a.Addr, a.Scope_id = unix.AF_INET6, netip.MustParseAddr(addr).As16(), scope
		return a
	}
	v4 := func(addr string) (a sockaddr) {
		a.Scope_id = 77 // what an earlier message left
		raw := (*unix.RawSockaddrInet4)(unsafe.Pointer(&a))
		raw.Family, raw.Addr = unix.AF_INET, netip.MustParseAddr(addr).As4()
		return a
	}
	for want, a := range map[string]sockaddr{
		"192.0.2.1:53":     v4("192.0.2.1"),
		"[2001:db8::1]:53": v6("2001:db8::1", 0),
		"192.0.2.2:53":     v6("::ffff:192.0.2.2", 0),
		"[fe80::1%12]:53":  v6("fe80::1", 12),
	} {
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&a.Port))[:], 53)
		if got := a.addrPort(); got.String() != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
}

// Shows RFC 2181 4.1.
func TestReplySource(t *testing.T) {
	const iface = 7
	v4 := unix.PktInfo4(&unix.Inet4Pktinfo{Ifindex: iface, Spec_dst: [4]byte{192, 0, 2, 1}, Addr: [4]byte{192, 0, 2, 1}})
	v6 := func(addr string) []byte {
		return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: netip.MustParseAddr(addr).As16(), Ifindex: iface})
	}
	for name, tt := range map[string]struct {
		control []byte
		iface   uint32 // where the reply has to leave; 0: as routed
	}{
		"IPv4":            {v4, 0},
		"IPv6":            {v6("2001:db8::1"), 0},
		"IPv6 link-local": {v6("fe80::1"), iface},
	} {
		t.Run(name, func(t *testing.T) {
			before := string(tt.control)
			got := replySource(tt.control)
			if len(got) != len(before) {
				t.Fatalf("%d octets of %d", len(got), len(before))
			}
			_, body, _, err := unix.ParseOneSocketControlMessage(got)
			if err != nil {
				t.Fatal(err)
			}
			at := 0
			if len(body) >= unix.SizeofInet6Pktinfo {
				at = 16
			}
			if got := binary.NativeEndian.Uint32(body[at:]); got != tt.iface {
				t.Errorf("interface %d, want %d", got, tt.iface)
			}
		})
	}
	for name, control := range map[string][]byte{"none": nil, "cut": v4[:8], "another": unix.UnixRights(1)} {
		if got := replySource(control); got != nil {
			t.Errorf("%s: %x, want nothing", name, got)
		}
	}
}
