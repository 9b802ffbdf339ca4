package integration

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// scripted is an upstream of our own that sends what the test wants, byte by
// byte. Its address is that of a machine, with a port of its own.
type scripted struct {
	udp    *net.UDPConn
	other  *net.UDPConn // a socket that gets no queries
	tcp    *net.TCPListener
	script script
	ended  <-chan struct{} // closed when the test ends
	stop   func()          // closes the sockets, so that queries are refused
	tasks  sync.WaitGroup
	asked  atomic.Int32 // queries, over either transport
}

// script is what a scripted upstream does with a query. What is nil does
// nothing: then UDP is silent, and TCP connections are closed.
type script struct {
	udp func(s *scripted, q query, from netip.AddrPort)
	tcp func(s *scripted, q query, conn net.Conn)
}

// newScripted starts it on the machine's address, until the test ends.
func newScripted(h *host, does script) *scripted {
	h.t.Helper()
	return startScripted(h.machine, netip.AddrPortFrom(h.v4(), 0), does)
}

// startScripted starts it on one of the machine's addresses, such as that of one
// which was stopped; 0 is for any port.
func startScripted(m *machine, addr netip.AddrPort, does script) *scripted {
	m.t.Helper()
	s := &scripted{script: does, ended: m.t.Context().Done()}
	var err error
	for conn, addr := range map[**net.UDPConn]netip.AddrPort{&s.udp: addr, &s.other: netip.AddrPortFrom(addr.Addr(), 0)} {
		m.do(func() { *conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr)) })
		must(m.t, err)
	}
	m.do(func() { s.tcp, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(s.addr())) })
	must(m.t, err)
	s.tasks.Go(s.serveUDP)
	s.tasks.Go(func() { s.serveTCP(m.t.Context()) })
	s.stop = func() {
		s.udp.Close()
		s.other.Close()
		s.tcp.Close()
		s.tasks.Wait()
	}
	m.t.Cleanup(s.stop)
	return s
}

func (s *scripted) addr() netip.AddrPort { return s.udp.LocalAddr().(*net.UDPAddr).AddrPort() }

func (s *scripted) serveUDP() {
	buf := make([]byte, 65535)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return // closed, as the test has ended
		}
		s.asked.Add(1)
		if s.script.udp != nil {
			s.script.udp(s, query(strings.Clone(string(buf[:n]))), from)
		}
	}
}

func (s *scripted) serveTCP(ctx context.Context) {
	for {
		conn, err := s.tcp.Accept()
		if err != nil {
			return // closed, as the test has ended
		}
		s.tasks.Go(func() {
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			s.converse(conn)
		})
	}
}

// converse reads queries until either side closes the connection.
func (s *scripted) converse(conn net.Conn) {
	for {
		q, err := receive(conn)
		if err != nil {
			return
		}
		s.asked.Add(1)
		if s.script.tcp == nil {
			return
		}
		s.script.tcp(s, q, conn)
	}
}

// later calls f after a time, unless the test ends before.
func (s *scripted) later(after time.Duration, f func()) {
	s.tasks.Go(func() {
		select {
		case <-time.After(after):
			f()
		case <-s.ended:
		}
	})
}

// say sends a message over UDP. That no client waits for it any more is no
// failure.
func (s *scripted) say(to netip.AddrPort, message []byte) {
	_, _ = s.udp.WriteToUDPAddrPort(message, to)
}

// queryLog counts the queries to a scripted upstream, by name. The zero value
// is empty.
type queryLog struct {
	mu    sync.Mutex
	names []string
}

func (l *queryLog) add(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names = append(l.names, name)
}

// count is how many queries were for a name or for one below it.
func (l *queryLog) count(name string) (n int) {
	for _, asked := range l.all() {
		if isBelow(asked, name) {
			n++
		}
	}
	return n
}

// counts is how many queries were for each name.
func (l *queryLog) counts() map[string]int {
	counts := map[string]int{}
	for _, asked := range l.all() {
		counts[asked]++
	}
	return counts
}

// isBelow reports whether a name is a domain or in it.
func isBelow(name, domain string) bool { return strings.HasSuffix("."+name, "."+domain) }

func (l *queryLog) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.names)
}
