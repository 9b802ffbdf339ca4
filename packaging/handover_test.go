package packaging

import (
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/internal/testkit/load"
)

// Under a real systemd no query is lost by a restart, nor by a downgrade and the
// upgrade after it, and by a SIGKILL those only that the process had read.
func TestNoQueryIsLost(t *testing.T) {
	t.Parallel()
	p := built(t)
	d := boot(t)
	d.install(deb(t, p.newer))
	id := d.init("[upstream]\nservers = []\n")
	d.enable()
	d.enabled(id)

	times := testkit.Times(1, 20)
	older := func() { d.run("dpkg", "-i", "--force-downgrade", d.copied(deb(t, p.older))) }
	for _, tt := range testkit.Some(2, []struct {
		name  string
		times int
		do    func()
		loses bool
	}{
		{"restart", times, func() { d.run("systemctl", "restart", "nodedns") }, false},
		{"kill", times, func() { d.run("systemctl", "kill", "--signal=KILL", "nodedns"); d.restarted() }, true},
		{"downgrade", 1, older, false},
		{"upgrade", 1, func() { d.install(deb(t, p.newer)) }, false},
	}) {
		t.Run(tt.name, func(t *testing.T) {
			report := load.During(t, load.Config{
				Dial: d.dialDNS, Query: load.AddressQuery(id), Rate: testkit.Times(2000, 20000), Connections: 8, Patience: 10 * time.Second,
			}, func() {
				for range tt.times {
					time.Sleep(rand.N(200 * time.Millisecond)) // of undisturbed load
					tt.do()
				}
			})
			t.Logf("%s %d times: %v", tt.name, tt.times, report)
			most := 0
			if tt.loses {
				most = tt.times * load.ReadAtOnce()
			}
			if report.Refused > 0 || report.Unanswered > most {
				t.Errorf("unanswered were sent at %v", report.Lost)
			}
		})
	}
}

// restarted waits until the service runs again.
func (d *debian) restarted() {
	d.t.Helper()
	d.eventually("the service is started again", func() error {
		if state := d.run("systemctl", "show", "--property=ActiveState", "--value", "nodedns"); state != "active\n" {
			return fmt.Errorf("it is %q", state)
		}
		return nil
	})
}

// dialDNS makes a socket on the machine that is connected to its name server.
func (d *debian) dialDNS() (conn net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		var namespace int
		if namespace, err = unix.Open(fmt.Sprintf("/proc/%d/ns/net", d.pid), unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return
		}
		defer unix.Close(namespace)
		if err = unix.Setns(namespace, unix.CLONE_NEWNET); err == nil {
			conn, err = net.Dial("udp", "127.0.0.53:53")
		}
	}()
	<-done
	return conn, err
}
