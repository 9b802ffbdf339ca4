package integration

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/internal/testkit/manager"
)

var floodFor = flag.Duration("flood", 0, "flood the daemon for so long, instead of for a few pings of its watchdog")

// floodVar has this test binary send queries to an address, as fast as it can.
const floodVar = "NODEDNS_INTEGRATION_FLOOD"

// flood never returns: it is killed.
func flood(to string) error {
	addr, err := netip.ParseAddrPort(to)
	if err != nil {
		return err
	}
	const senders = 2
	failed := make(chan error)
	for range senders {
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
		if err != nil {
			return err
		}
		go func() {
			// One that needs no upstream: A of localhost, with a question and no more.
			query := []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09localhost\x00\x00\x01\x00\x01")
			for {
				if _, err := conn.Write(query); err != nil && !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, unix.ENOBUFS) {
					failed <- err
				}
			}
		}()
	}
	return <-failed
}

// flood has an ordinary user of the machine flood its resolver until the test
// ends, and waits until the kernel has to drop queries.
func (m *machine) flood(to string) {
	m.t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{floodVar + "=" + to}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: nobody, Pdeathsig: unix.SIGKILL}
	m.serve(cmd)
	eventually(m.t, "queries are thrown away", func() error {
		if m.drops() == 0 {
			return errors.New("the sockets have no drops")
		}
		return nil
	})
}

// drops is how many messages to port 53 the kernel of the machine has dropped.
func (m *machine) drops() uint64 {
	m.t.Helper()
	return m.udpDrops(func(local, _ string) bool { return strings.HasSuffix(local, ":0035") })
}

// udpDrops is how many messages the kernel has dropped on sockets with such addresses,
// which are as in /proc/net/udp.
func (m *machine) udpDrops(of func(local, remote string) bool) (n uint64) {
	m.t.Helper()
	for line := range strings.Lines(m.run("cat", "/proc/net/udp")) {
		fields := strings.Fields(line)
		if len(fields) < 3 || !of(fields[1], fields[2]) {
			continue
		}
		drops, err := strconv.ParseUint(fields[len(fields)-1], 10, 64)
		must(m.t, err)
		n += drops
	}
	return n
}

// The watchdog is about the process: a user flooding the listener causes no
// ping to be lost, though hardly any query is answered meanwhile. That there are
// pings is tested beside the daemon for every change.
func TestWatchdogInFlood(t *testing.T) {
	t.Parallel()
	testkit.Long(t) // the flood takes all of the machine
	needSandbox(t)
	const watchdog = 8 * time.Second
	l := newLAN(t)
	n := newNode(l, "node")
	n.address()
	n.configure(noUpstream)
	system := newServiceManager(t)
	n.daemon = n.startDaemonWith(append(os.Environ(), "NOTIFY_SOCKET="+system.Path,
		fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds())), nil)
	system.await("READY=1", patience)
	system.await("WATCHDOG=1", patience)
	// The daemon may be as fast as the flood, so it begins with a full queue.
	n.daemon.signal(unix.SIGSTOP)
	n.flood("127.0.0.53:53")
	n.daemon.signal(unix.SIGCONT)
	const pings = 2
	var longest time.Duration
	for i, begin := 0, time.Now(); i < pings || time.Since(begin) < *floodFor; i++ {
		longest = max(longest, system.await("WATCHDOG=1", watchdog/2))
	}
	t.Logf("%d queries were thrown away; the longest time between two pings was %v of %v",
		n.drops(), longest.Round(time.Millisecond), watchdog)
	must(t, n.daemon.running())
}

// serviceManager is a service manager, whose messages a test awaits.
type serviceManager struct {
	*manager.Manager
	t    testing.TB
	last time.Time // when the message came that was awaited last
}

func newServiceManager(t testing.TB) *serviceManager {
	t.Helper()
	return &serviceManager{manager.New(t), t, time.Now()}
}

// launch starts a node's daemon, and waits until it is ready.
func (s *serviceManager) launch(n *node) {
	s.t.Helper()
	n.daemon = n.startDaemonUnder(s)
	s.last = time.Now()
	s.await("READY=1", patience)
}

// await waits for a message until so long after the last one that was awaited,
// and returns how long it took after that.
func (s *serviceManager) await(want string, limit time.Duration) time.Duration {
	s.t.Helper()
	late := time.After(time.Until(s.last.Add(limit)))
	for {
		var n manager.Notification
		select {
		case n = <-s.Notifications:
		default: // nothing has come yet that could be in time
			select {
			case n = <-s.Notifications:
			case <-late:
				s.t.Fatalf("no %s within %v of the last message", want, limit)
			}
		}
		if n.Text != want {
			continue
		}
		took := n.At.Sub(s.last)
		s.last = n.At
		if took > limit {
			s.t.Fatalf("%s came %v after the last message, want %v at most", want, took, limit)
		}
		return took
	}
}
