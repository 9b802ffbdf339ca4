package listen

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

func (c client) wantPacket(text string) {
	c.t.Helper()
	b := make([]byte, 4096)
	n, err := c.Read(b)
	if err != nil || string(b[:n]) != text {
		c.t.Fatalf("got %q, %v; want %q", b[:n], err, text)
	}
}

// Shows RFC 2181 4.2.
func TestUDP(t *testing.T) {
	for name, addr := range map[string]string{"IPv4": "127.0.0.1:0", "IPv6": "[::1]:0"} {
		t.Run(name, func(t *testing.T) {
			needAddr(t, addr)
			release := make(chan struct{})
			s := start(t, slow(release), Limits{}, addr)
			c := dial(t, "udp", s.Addrs()[0])
			c.send([]byte(message("slow")))
			c.send([]byte(message("fast")))
			c.wantPacket(message("fast"))
			close(release)
			c.wantPacket(message("slow"))
		})
	}
}

func TestUDPSilence(t *testing.T) {
	s := start(t, answerer(func(m []byte, _ Client, b []byte) ([]byte, Wait) {
		if m[0] == '!' {
			return nil, nil
		}
		return append(b, m...), nil
	}), Limits{})
	c := dial(t, "udp", s.Addrs()[0])
	c.send([]byte("!"))
	c.send([]byte("?"))
	c.wantPacket("?")
}

// A client's connected socket takes a reply only from the address that it
// queried.
// Shows RFC 2181 4.1.
func TestUDPWildcardRepliesFromTheAddressThatWasAsked(t *testing.T) {
	for name, tt := range map[string]struct{ listen, asked, other string }{
		"IPv4": {"0.0.0.0:0", "127.0.0.77", "127.0.0.78"},
		"IPv6": {"[::]:0", "::1", "::1"},
	} {
		t.Run(name, func(t *testing.T) {
			needAddr(t, tt.listen)
			release := make(chan struct{})
			s := start(t, slow(release), Limits{}, tt.listen)
			ask := func(addr, text string) client {
				c := dial(t, "udp", netip.AddrPortFrom(netip.MustParseAddr(addr), s.Addrs()[0].Port()))
				c.send([]byte(message(text)))
				return c
			}
			waiting := ask(tt.asked, "slow")
			ask(tt.other, "fast").wantPacket(message("fast"))
			close(release)
			waiting.wantPacket(message("slow"))
		})
	}
}

func TestBothWildcardsOnOnePort(t *testing.T) {
	needAddr(t, "[::]:0")
	s := start(t, echo, Limits{}, "0.0.0.0:0")
	port := s.Addrs()[0].Port()
	other, err := Bind([]netip.AddrPort{netip.AddrPortFrom(netip.IPv6Unspecified(), port)})
	if err != nil {
		t.Fatalf("[::] takes IPv4 as well: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}

func TestClientAddressAndTransport(t *testing.T) {
	seen := make(chan Client, 1)
	s := start(t, answerer(func(m []byte, c Client, b []byte) ([]byte, Wait) {
		seen <- c
		return append(b, m...), nil
	}), Limits{})
	for network, tcp := range map[string]bool{"udp": false, "tcp": true} {
		c := dial(t, network, s.Addrs()[0])
		b := []byte(message("hello"))
		if tcp {
			b = frame(string(b))
		}
		c.send(b)
		got := <-seen
		if got.TCP != tcp || got.Addr.String() != c.LocalAddr().String() || got.Busy {
			t.Errorf("%s from %v: given %+v", network, c.LocalAddr(), got)
		}
	}
}

func TestServeFailsWithASocket(t *testing.T) {
	for name, breakOne := range map[string]func(*Sockets) error{
		"UDP": func(s *Sockets) error { return s.listeners[0].pair.udp[0].conn.Close() },
		"TCP": func(s *Sockets) error { return s.listeners[0].pair.tcp.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Bind([]netip.AddrPort{netip.MustParseAddrPort("127.0.53.5:0")})
			if err != nil {
				t.Fatal(err)
			}
			if err := breakOne(s); err != nil {
				t.Fatal(err)
			}
			if err := s.Serve(t.Context(), only(echo)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Serve: %v", err)
			}
			again, err := Bind(s.Addrs())
			if err != nil {
				t.Fatalf("the other socket is still open: %v", err)
			}
			if err := again.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func needAddr(t *testing.T, addr string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Skipf("this machine lacks the address %s: %v", addr, err)
	}
	_ = conn.Close()
}
