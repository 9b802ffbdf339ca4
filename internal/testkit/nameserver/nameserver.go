// Package nameserver has name servers for tests to query, on free ports of
// loopback. A handler defines their answers. They end with the test.
package nameserver

import (
	"net"
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

// Serve answers over UDP and TCP at one address. A nil handler answers nothing.
func Serve(t testing.TB, udp, tcp dns.HandlerFunc) netip.AddrPort {
	t.Helper()
	listener, packets := Bind(t)
	Run(t, &dns.Server{PacketConn: packets, Handler: orSilent(udp)})
	Run(t, &dns.Server{Listener: listener, Handler: orSilent(tcp)})
	return packets.LocalAddr().(*net.UDPAddr).AddrPort()
}

func orSilent(handler dns.HandlerFunc) dns.HandlerFunc {
	if handler == nil {
		return func(dns.ResponseWriter, *dns.Msg) {}
	}
	return handler
}

// Run starts a server, whose socket is bound, and waits until it serves.
func Run(t testing.TB, s *dns.Server) {
	t.Helper()
	started, done := make(chan struct{}), make(chan error, 1)
	s.NotifyStartedFunc = func() { close(started) }
	go func() { done <- s.ActivateAndServe() }()
	select {
	case <-started:
	case err := <-done:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Shutdown()
		<-done
	})
}

// Bind binds a free port of loopback for both TCP and UDP. The caller closes
// them.
func Bind(t testing.TB) (net.Listener, net.PacketConn) {
	t.Helper()
	for {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		packets, err := net.ListenPacket("udp4", listener.Addr().String())
		if err == nil {
			return listener, packets
		}
		_ = listener.Close() // another port is tried
	}
}
