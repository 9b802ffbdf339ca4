package listen

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// capture is a socket that gets every packet of this namespace.
func capture(t *testing.T) int {
	t.Helper()
	const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8 // in network byte order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, all)
	must(t, err)
	t.Cleanup(func() { _ = unix.Close(fd) })
	patience := unix.NsecToTimeval(int64(20 * time.Second))
	must(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience))
	return fd
}

// sent is a packet that came from a port, over IPv4 without options or over IPv6
// without extensions.
type sent struct {
	protocol, hops byte
	payload        bool
}

// nextFrom waits for a packet from a port.
func nextFrom(t *testing.T, fd int, port uint16) sent {
	t.Helper()
	var b [2048]byte
	for {
		n, _, err := unix.Recvfrom(fd, b[:], 0)
		must(t, err)
		packet, p := b[:n], sent{}
		switch b[0] >> 4 {
		case 4:
			p.protocol, p.hops, packet = b[9], b[8], packet[20:]
		case 6:
			p.protocol, p.hops, packet = b[6], b[7], packet[40:]
		}
		if binary.BigEndian.Uint16(packet) != port {
			continue
		}
		const tcpHeader = 12 // where the length of the header is, in words
		p.payload = p.protocol == unix.IPPROTO_UDP || len(packet) > int(packet[tcpHeader]>>4)*4
		return p
	}
}

// What a listener on loopback or a link sends, the TCP handshake included,
// passes no router.
func TestHops(t *testing.T) {
	if !testkit.InNamespace(t) {
		return
	}
	up(t, "lo")
	bridge(t, "br0")
	for _, text := range []string{"10.9.0.1/24", "169.254.9.1/16", "fd09::1/64", "fe80::1/64"} {
		assign(t, "br0", text)
	}
	const usual = 64
	for _, tt := range []struct {
		name, listen, asked string
		hops                byte
	}{
		{"loopback", "127.0.0.1:0", "127.0.0.1", 1},
		{"loopback of IPv6", "[::1]:0", "::1", 1},
		{"link-local", "169.254.9.1:0", "169.254.9.1", 1},
		{"link-local of IPv6", "[fe80::1%br0]:0", "fe80::1%br0", 1},
		{"bridge", "10.9.0.1:0", "10.9.0.1", usual},
		{"bridge with IPv6", "[fd09::1]:0", "fd09::1", usual},
		{"wildcard", "0.0.0.0:0", "10.9.0.1", usual},
		{"wildcard of IPv6", "[::]:0", "fd09::1", usual},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, echo, Limits{}, tt.listen)
			port := s.Addrs()[0].Port()
			wantHops(t, netip.AddrPortFrom(netip.MustParseAddr(tt.asked), port), tt.hops)
		})
	}
	t.Run("socket unit", func(t *testing.T) {
		stream := listenTCP(t, "127.0.0.1:0")
		packets, err := net.ListenPacket("udp", stream.Addr().String())
		must(t, err)
		k := newStore(t)
		k.put("nodedns.socket", stream)
		k.put("nodedns.socket", packets.(*net.UDPConn))
		must(t, errors.Join(stream.Close(), packets.Close()))
		addr := stream.Addr().(*net.TCPAddr).AddrPort()
		_, end := k.generation(echo, addr)
		defer end()
		wantHops(t, addr, 1)
	})
}

// wantHops asks an address, and checks all packets from it until each protocol has
// had a reply.
func wantHops(t *testing.T, addr netip.AddrPort, hops byte) {
	t.Helper()
	packets := capture(t)
	echoes(t, addr)
	for over := 0; over != 1<<unix.IPPROTO_UDP|1<<unix.IPPROTO_TCP; {
		p := nextFrom(t, packets, addr.Port())
		if p.hops != hops {
			t.Fatalf("a packet of protocol %d may take %d hops, want %d", p.protocol, p.hops, hops)
		}
		if p.payload {
			over |= 1 << p.protocol
		}
	}
}
