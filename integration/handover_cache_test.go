package integration

import (
	"net/netip"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// After a restart a name is known that no server answers for any more, and nothing
// that a start does makes the daemon forget it: it has taken resolv.conf and the
// hostname, and given resolv.conf back, meanwhile. After a crash, and once an address
// is another one, it is not.
func TestRestartKeepsTheCache(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	outside := l.join("outside").address()
	var dead atomic.Bool
	startScripted(outside.machine, netip.AddrPortFrom(outside.v4(), 53), script{udp: func(s *scripted, q query, from netip.AddrPort) {
		if !dead.Load() {
			answersWell(s, q, from)
		}
	}})
	n := newNode(l, "node")
	n.address()
	n.configure(stubMode)
	n.write(resolvConf, "nameserver "+outside.v4().String()+"\n")
	system := newServiceManager(t)
	start := func() {
		t.Helper()
		n.daemon = n.startDaemonUnder(system)
		system.await("READY=1", patience)
	}
	restart := func(end unix.Signal) {
		t.Helper()
		n.daemon.signal(end)
		n.daemon.exit()
		start()
	}
	start()
	eventually(t, "the server is asked", func() error { return n.asks(outside.v4().String()) })
	eventually(t, "an answer", func() error { return n.answers("NOERROR", "www.example") })
	dead.Store(true)
	for range 2 {
		restart(unix.SIGTERM)
		must(t, n.daemon.logged("cache of the last process taken over"))
		must(t, n.answers("NOERROR", "www.example"))
		eventually(t, "the server is asked", func() error { return n.asks(outside.v4().String()) })
		must(t, n.answers("NOERROR", "www.example"))
	}
	restart(unix.SIGKILL)
	must(t, n.answers("SERVFAIL", "www.example"))

	dead.Store(false)
	eventually(t, "an answer", func() error { return n.answers("NOERROR", "www.example") })
	dead.Store(true)
	n.daemon.signal(unix.SIGTERM)
	n.daemon.exit()
	n.configure(stubMode, "[local]", `addresses = ["10.99.0.1"]`)
	start()
	eventually(t, "the cache is dropped", func() error { return n.daemon.logged("the cache of the last process is not used") })
}
