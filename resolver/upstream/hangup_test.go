package upstream

import (
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// hangingUp is a server for TCP that ends each connection in some way.
func hangingUp(t *testing.T, transport Transport, end func(conn *net.TCPConn)) Server {
	t.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close() // ends it
		serving.Wait()
	})
	serving.Go(func() {
		for {
			conn, err := l.AcceptTCP()
			if err != nil {
				return
			}
			end(conn)
			_ = conn.Close() // that is the point
		}
	})
	return Server{Transport: transport, Addr: l.Addr().(*net.TCPAddr).AddrPort()}
}

// Which error a socket has for a connection that the server ended depends on what
// was under way. For people it is one.
func TestConnectionEndedByTheServer(t *testing.T) {
	ends := map[string]func(conn *net.TCPConn){
		"at once":             func(*net.TCPConn) {},
		"by a reset":          func(conn *net.TCPConn) { _ = conn.SetLinger(0) },
		"with a query unread": func(conn *net.TCPConn) { _, _ = conn.Read(make([]byte, 1)) },
		"within a reply": func(conn *net.TCPConn) {
			_, _ = conn.Read(make([]byte, 4096)) // all that a query has
			_, _ = conn.Write([]byte{22, 3, 3, 1})
		},
		"within a reply, by a reset": func(conn *net.TCPConn) {
			_, _ = conn.Read(make([]byte, 4096)) // all that a query has
			_, _ = conn.Write([]byte{22, 3, 3, 1})
			_ = conn.SetLinger(0)
		},
	}
	for _, transport := range []Transport{TCP, TLS} {
		for name, end := range ends {
			t.Run(transport.String()+", "+name, func(t *testing.T) {
				t.Parallel()
				server := hangingUp(t, transport, end)
				_, err := New(Config{}).Use(Options{Timeout: long}, []Server{server})[0].Exchange(t.Context(), query("www.example."))
				failure := (*Failure)(nil)
				if !errors.As(err, &failure) || failure.Code() != dns.ExtendedErrorCodeNoReachableAuthority || err.Error() != server.String()+": the connection was closed" {
					t.Errorf("error %v", err)
				}
			})
		}
	}
}
