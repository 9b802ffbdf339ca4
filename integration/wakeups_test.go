package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
)

const (
	// settled is how long after its start, and its last query, a daemon has
	// nothing to do: its upstreams are probed for a minute.
	settled = 75 * time.Second
	// quietPeriods is how many minutes there may be in which something else wakes
	// a daemon, such as a hostname that is set in another UTS namespace.
	quietPeriods = 5
)

// A daemon that has nothing to do wakes less than once a second. A thread that
// gave up the CPU by itself was woken before, so these switches are counted, of
// all threads. No other test runs meanwhile: not even this one is parallel.
func TestWakeUps(t *testing.T) {
	needSandbox(t)
	testkit.Long(t)
	if raceDetector {
		t.Skip("what is counted is the program as it is shipped")
	}
	for _, name := range []string{"without upstreams", "with upstreams"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLAN(t)
			n := newNode(l, "node")
			n.address()
			if name == "with upstreams" {
				s := newScripted(l.join("upstream").address(), script{})
				n.configure("[upstream]", fmt.Sprintf("servers = [%q]", s.addr()))
			} else {
				n.configure(noUpstream)
			}
			n.boot()
			n.awaitReady()
			time.Sleep(settled)
			least := n.daemon.wokenIn(time.Minute)
			for range quietPeriods - 1 {
				if least < 60 {
					break
				}
				least = min(least, n.daemon.wokenIn(time.Minute))
			}
			t.Logf("%d switches in a minute", least)
			if least >= 60 {
				t.Errorf("the threads were woken %d times in a minute, want less than once a second", least)
			}
		})
	}
}

// wokenIn is how often the threads give up the CPU by themselves in a period.
func (d *daemon) wokenIn(period time.Duration) int {
	d.m.t.Helper()
	before := d.switches()
	time.Sleep(period)
	return d.switches() - before
}

// switches is how often the threads have given up the CPU by themselves.
func (d *daemon) switches() (n int) {
	d.m.t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", d.cmd.Process.Pid))
	must(d.m.t, err)
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		must(d.m.t, err)
		_, after, _ := strings.Cut(string(text), "\nvoluntary_ctxt_switches:")
		line, _, _ := strings.Cut(after, "\n")
		count, err := strconv.Atoi(strings.TrimSpace(line))
		must(d.m.t, err)
		n += count
	}
	return n
}
