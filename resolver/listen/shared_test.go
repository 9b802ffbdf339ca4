package listen

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// several are sockets that share an address, as on a machine with more
// processors than this one may have.
func several(t *testing.T, addr netip.AddrPort) *Sockets {
	t.Helper()
	const count = 4
	p, refused := openPair(addr, count, nil)
	if refused != nil {
		t.Fatal(refused)
	}
	t.Cleanup(func() { _ = p.close() })
	if len(p.udp) != count {
		t.Fatalf("%d sockets, want %d", len(p.udp), count)
	}
	for _, s := range p.udp {
		if s.addr() != p.addr {
			t.Fatalf("sockets on %v and %v", s.addr(), p.addr)
		}
	}
	return &Sockets{listeners: []*listener{{loops: count, handover: new(Handover), addr: p.addr, pair: p, state: Listening}}}
}

// Each socket has a Handler of its own, which no other goroutine calls: the race
// detector would see the counts.
func TestSocketsThatShareAnAddress(t *testing.T) {
	for name, tt := range families {
		t.Run(name, func(t *testing.T) {
			needAddr(t, tt.listen)
			s := several(t, netip.MustParseAddrPort(tt.listen))
			asked := netip.AddrPortFrom(netip.MustParseAddr(tt.asked), s.Addrs()[0].Port())
			var counts []*int
			ctx, cancel := context.WithCancel(t.Context())
			served := make(chan error)
			go func() {
				served <- s.Serve(ctx, func() Handler {
					count := new(int)
					counts = append(counts, count)
					return answerer(func(m []byte, _ Client, b []byte) ([]byte, Wait) {
						*count++
						return append(b, m...), nil
					})
				})
			}()
			const clients, queries = 64, 20
			var asking sync.WaitGroup
			for range clients {
				c := dial(t, "udp", asked)
				asking.Go(func() {
					var b [64]byte
					for range queries {
						if _, err := c.Write([]byte(message("query"))); err != nil {
							t.Error(err)
						}
						if _, err := c.Read(b[:]); err != nil {
							t.Error(err)
						}
					}
				})
			}
			asking.Wait()
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
			total, busy := 0, 0
			for _, count := range counts {
				total += *count
				if *count > 0 {
					busy++
				}
			}
			if total != clients*queries || busy < 2 {
				t.Errorf("%d queries handled by %d sockets, want %d by several", total, busy, clients*queries)
			}
		})
	}
}

// A second nodedns has the same user, whose sockets the kernel would let in.
func TestSharedAddressIsTaken(t *testing.T) {
	for name, first := range map[string]func(*testing.T) netip.AddrPort{
		"by sockets of ours": func(t *testing.T) netip.AddrPort {
			return several(t, netip.MustParseAddrPort("127.0.53.6:0")).Addrs()[0]
		},
		"by a socket that shares with any other": func(t *testing.T) netip.AddrPort {
			config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
				return (&packetSocket{raw: raw}).setOption(unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			}}
			conn, err := config.ListenPacket(t.Context(), "udp4", "127.0.53.7:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			return conn.LocalAddr().(*net.UDPAddr).AddrPort()
		},
	} {
		t.Run(name, func(t *testing.T) {
			addr := first(t)
			for _, count := range []int{1, 4} {
				second, err := bindPackets(addr, nil, count)
				if !errors.Is(err, syscall.EADDRINUSE) {
					t.Errorf("%d sockets: %v, want EADDRINUSE", count, err)
				}
				for _, s := range second {
					_ = s.close()
				}
			}
			if _, err := Bind([]netip.AddrPort{addr}); !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("Bind: %v, want EADDRINUSE", err)
			}
		})
	}
}
