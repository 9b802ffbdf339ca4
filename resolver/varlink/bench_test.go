package varlink

import (
	"bufio"
	"net"
	"testing"
)

// BenchmarkCall is what nss-resolve does for a name, without its own work and
// the lookup: connect, call, and close.
func BenchmarkCall(b *testing.B) {
	s := newTestServer(b, Resolve(host()))
	start(b, s)
	message := []byte(`{"method":"io.systemd.Resolve.ResolveHostname","parameters":{"name":"a","flags":0}}` + "\x00")
	for b.Loop() {
		conn, err := net.Dial("unix", s.path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Write(message); err != nil {
			b.Fatal(err)
		}
		if _, err := bufio.NewReader(conn).ReadString(0); err != nil {
			b.Fatal(err)
		}
		conn.Close()
	}
}
