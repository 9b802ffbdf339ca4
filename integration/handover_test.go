package integration

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/internal/testkit/load"
)

var handoverRate = flag.Int("handover.rate", 0, "queries a second during restarts; 0: as many as suit the machine")

// restartRate is how many queries a second there are during restarts.
func restartRate() int {
	if *handoverRate > 0 {
		return *handoverRate
	}
	return testkit.Times(2000, 20000)
}

// Through restarts no query is lost: it waits in the sockets, which the service
// manager keeps, until the next process serves them. A process that is killed
// loses no more than what it has read and not answered.
func TestRestartLosesNoQuery(t *testing.T) {
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure(noUpstream)
	system := newServiceManager(t)
	system.launch(n)
	eventually(t, "our own name", func() error { return n.knows(n.id, n.v4(), n.v6()) })

	times, rate := testkit.Times(3, 20), restartRate()
	for name, end := range map[string]unix.Signal{"restarted": unix.SIGTERM, "killed": unix.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			report := load.During(t, load.Config{
				Dial:  func() (net.Conn, error) { return n.dial("udp", "127.0.0.53:53") },
				Query: load.AddressQuery(n.id), Rate: rate, Connections: 8, Patience: patience,
			}, func() {
				for range times {
					time.Sleep(100*time.Millisecond + rand.N(200*time.Millisecond)) // of undisturbed load
					n.daemon.signal(end)
					n.daemon.exit()
					system.launch(n)
				}
			})
			t.Logf("%s %d times: %v", name, times, report)
			most := 0
			if end == unix.SIGKILL {
				most = times * load.ReadAtOnce()
			}
			if report.Refused > 0 || report.Unanswered > most {
				t.Errorf("unanswered were sent at %v", report.Lost)
			}
		})
	}
}

// A process that cannot serve what it was given gives it up: clients get an error at
// once, instead of waiting for a reply.
func TestStartThatFailsGivesUpTheSockets(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	for name, config := range map[string]string{
		"a wrong configuration": "[dns]\nlisten = 53\n",
		"an address in use":     "[dns]\nlisten = [\"127.0.0.53:53\", \"127.0.0.54:54\"]\n",
	} {
		t.Run(name, func(t *testing.T) {
			var taken net.Listener
			n.do(func() {
				var err error
				taken, err = net.Listen("tcp", "127.0.0.54:54")
				must(t, err)
			})
			defer taken.Close()
			n.configure(noUpstream)
			system := newServiceManager(t)
			system.launch(n)
			n.daemon.signal(unix.SIGTERM)
			n.daemon.exit()
			if len(system.Kept()) == 0 {
				t.Fatal("nothing is kept")
			}
			n.configure(noUpstream, config)
			n.daemon = n.startDaemonUnder(system)
			if status := n.daemon.exit(); status == 0 {
				t.Error("it ended without an error")
			}
			if kept := system.Kept(); len(kept) > 0 {
				t.Errorf("%q are kept", kept)
			}
			conn, err := n.dial("udp", "127.0.0.53:53")
			must(t, err)
			defer conn.Close()
			must(t, conn.SetDeadline(time.Now().Add(patience)))
			if _, err := conn.Write(load.AddressQuery(n.id)); err == nil {
				_, err = conn.Read(make([]byte, 512))
				if !errors.Is(err, unix.ECONNREFUSED) {
					t.Errorf("a client gets %v, want %v", err, unix.ECONNREFUSED)
				}
			}
		})
	}
}

// A restart loses no query that an upstream takes a while to answer either: what is in
// flight at the end has time for that.
func TestRestartLosesNoForwardedQuery(t *testing.T) {
	needSandbox(t)
	l := newLAN(t)
	const latency = 40 * time.Millisecond
	server := newScripted(l.join("outside").address(), script{udp: func(s *scripted, q query, from netip.AddrPort) {
		s.tasks.Go(func() { time.Sleep(latency); answersWell(s, q, from) })
	}})
	n := newNode(l, "node")
	n.address()
	n.configure(fmt.Sprintf("[upstream]\nservers = [%q]", server.addr()))
	system := newServiceManager(t)
	system.launch(n)
	report := load.During(t, load.Config{
		Dial:  func() (net.Conn, error) { return n.dial("udp", "127.0.0.53:53") },
		Query: load.AddressQuery("fresh-0000000.example"), Rate: 200, Connections: 4, Patience: patience,
		Vary: func(query []byte, nth int) {
			const digits = 19 // where they begin
			copy(query[digits:], fmt.Appendf(nil, "%07d", nth))
		},
	}, func() {
		for range 3 {
			time.Sleep(2 * latency)
			n.daemon.signal(unix.SIGTERM)
			n.daemon.exit()
			system.launch(n)
		}
	})
	t.Log(report)
	if report.Unanswered > 0 {
		t.Errorf("unanswered were sent at %v", report.Lost)
	}
}
