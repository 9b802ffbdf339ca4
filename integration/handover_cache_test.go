package integration

import (
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit/load"
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
	restart := func(end unix.Signal) {
		t.Helper()
		n.daemon.signal(end)
		n.daemon.exit()
		system.launch(n)
	}
	system.launch(n)
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
	system.launch(n)
	eventually(t, "the cache is dropped", func() error { return n.daemon.logged("the cache of the last process is not used") })
}

// Under load the next process answers from the cache what the last one would have: as
// large a share of the queries as before the restart. With an empty cache it would be a
// sixth less.
func TestRestartKeepsTheHitRatio(t *testing.T) {
	needSandbox(t)
	l := newLAN(t)
	server := newScripted(l.join("outside").address(), script{udp: answersWell})
	n := newNode(l, "node")
	n.address()
	n.configure(fmt.Sprintf("[upstream]\nservers = [%q]", server.addr()))
	system := newServiceManager(t)
	system.launch(n)
	rate := restartRate()
	popular, rare := rate/2, 0 // names that are asked for again and again, and only once so far
	// ratio is how many queries did not reach the server, while do does.
	ratio := func(rate int, do func()) (hits float64, report load.Report) {
		t.Helper()
		const unpopular = 50 // every so many queries are for a name that is in no cache
		asked, fresh := server.asked.Load(), rare
		report = load.During(t, load.Config{
			Dial:  func() (net.Conn, error) { return n.dial("udp", "127.0.0.53:53") },
			Query: load.AddressQuery("popular-0000000.example"), Rate: rate, Connections: 8, Patience: patience,
			Vary: func(query []byte, nth int) {
				const kind = 13 // where the name begins
				if nth%unpopular == 0 {
					copy(query[kind:], fmt.Appendf(nil, "rarely--%07d", fresh+nth/unpopular))
				} else {
					copy(query[kind:], fmt.Appendf(nil, "popular-%07d", nth%popular))
				}
			},
		}, do)
		rare += report.Sent // more than there were
		hits = 1 - float64(server.asked.Load()-asked)/float64(report.Sent)
		t.Logf("%v; %.2f %% by the cache", report, 100*hits)
		return hits, report
	}
	undisturbed := func() { time.Sleep(3 * time.Second) } // of load
	ratio(rate/5, undisturbed)                            // until all popular names are known
	before, _ := ratio(rate, undisturbed)
	after, report := ratio(rate, func() {
		n.daemon.signal(unix.SIGTERM)
		n.daemon.exit()
		system.launch(n)
		undisturbed()
	})
	must(t, n.daemon.logged("cache of the last process taken over"))
	if report.Unanswered > 0 {
		t.Errorf("unanswered were sent at %v", report.Lost)
	}
	if after < before-0.02 {
		t.Errorf("%.2f %% were answered by the cache before the restart, and %.2f %% after it", 100*before, 100*after)
	}
}
