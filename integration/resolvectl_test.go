package integration

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// silentBus is something to connect to for resolvectl, which does not begin
// without a system bus, and needs none to monitor. At its end it would wait 90
// s for a reply: before that the bus is to be closed.
func silentBus(t testing.TB) (address string, closeBus func()) {
	t.Helper()
	dir, err := os.MkdirTemp("", "bus-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "bus")
	bus, err := net.Listen("unix", path)
	must(t, err)
	accepted := make(chan net.Conn, 1)
	go func() {
		defer close(accepted)
		if conn, err := bus.Accept(); err == nil {
			accepted <- conn
		}
	}()
	closeBus = sync.OnceFunc(func() {
		bus.Close()
		for conn := range accepted {
			conn.Close()
		}
	})
	t.Cleanup(closeBus)
	return "unix:path=" + path, closeBus
}

// The real "resolvectl monitor" shows what becomes of queries, over whichever
// transport they arrive.
// Shows io.systemd.Resolve Monitor.
func TestResolvectlMonitor(t *testing.T) {
	t.Parallel()
	x := needNSS(t)
	c := newNSSCluster(x, 2, withoutHosts)
	n, stranger := c.nodes[0], strangerID(t)
	cmd := unpacked(t, "resolvectl", "monitor")
	bus, closeBus := silentBus(t)
	cmd.Env = append(cmd.Env, "DBUS_SYSTEM_BUS_ADDRESS="+bus, "SYSTEMD_COLORS=0", "LC_ALL=C.UTF-8")
	var shown logbook
	cmd.Stdout, cmd.Stderr = &shown, &shown
	must(t, n.start(cmd))
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })

	shows := func(texts ...string) error {
		for _, text := range texts {
			if !strings.Contains(shown.String(), text) {
				return fmt.Errorf("%q is not shown in\n%s", text, &shown)
			}
		}
		return nil
	}
	eventually(t, "queries are shown", func() error {
		must(t, n.answers("NOERROR", n.id))
		return shows("Q: "+n.id+" IN A", "S: success", "A: "+n.id+" IN A "+n.v4().String())
	})
	must(t, x.fails(n.machine, stranger, unknownName))
	eventually(t, "a lookup by nss-resolve is shown", func() error {
		return shows("Q: "+stranger+" IN AAAA", "S: NXDOMAIN")
	})
	closeBus()
	n.daemon.signal(unix.SIGTERM)
	if err := <-ended; err != nil || strings.Contains(shown.String(), "ignoring") {
		t.Errorf("resolvectl ends with %v and shows\n%s", err, &shown)
	}
}
