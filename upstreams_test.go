package nodedns

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// deadServer is a port of loopback where nothing listens.
func deadServer(t *testing.T) upstream.Server {
	t.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close() // that is the point
	return upstream.Plain(socket.LocalAddr().(*net.UDPAddr).AddrPort())
}

// A server that does not answer, and invalid lines, are shown in the status.
func TestStatusShowsUpstreamsAndHostsLines(t *testing.T) {
	t.Parallel()
	dead, other := deadServer(t), deadServer(t)
	f := prepare(t, func(c *Config) {
		c.DNS.Upstreams.Servers = []upstream.Server{dead}
		c.DNS.Upstreams.Routes = []resolver.Route{{Domains: []string{"corp.example"}, Servers: []upstream.Server{other, dead}}}
	})
	hosts := "10.0.0.1 fine\n" + strings.Repeat("nonsense\n", 12)
	if err := os.WriteFile(filepath.Join(f.root, "etc/hosts"), []byte(hosts), 0o644); err != nil {
		t.Fatal(err)
	}
	f.run()
	<-f.Ready()
	if _, err := (inspect.Inspector{Server: f.Resolver()}).Query(t.Context(), "www.example.org", "A"); err != nil {
		t.Fatal(err)
	}
	f.eventually("the server is down", func() bool { return f.Status().UpstreamStatus[0].State == upstream.Down })
	status := f.Status()
	first, second := status.UpstreamStatus[0], status.UpstreamStatus[1]
	if first.Server != dead.String() || first.Protocol != "udp" || !first.General || !slices.Equal(first.Routes, []string{"corp.example"}) || first.Failures == 0 || first.Reason == "" {
		t.Errorf("got %+v", first)
	}
	if second.Server != other.String() || second.General || !slices.Equal(second.Routes, []string{"corp.example"}) || len(status.UpstreamStatus) != 2 {
		t.Errorf("got %+v", status.UpstreamStatus)
	}
	if !slices.Equal(status.Upstreams, []string{dead.String()}) {
		t.Errorf("upstreams are %q", status.Upstreams)
	}
	if status.State != StateDegraded || !slices.ContainsFunc(status.Errors, func(e string) bool { return strings.Contains(e, dead.String()) }) {
		t.Errorf("the state is %s for %q", status.State, status.Errors)
	}
	if lines := status.HostsLines; lines.Names != 1 || lines.Ignored != 12 || len(lines.Problems) != 10 || !strings.Contains(lines.Problems[0], "nonsense") {
		t.Errorf("got %+v", lines)
	}
}
