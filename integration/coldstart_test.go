package integration

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// The power fails, and everything comes back in random order, some of it with
// another address. Nodes and curators know each other by node ID only, without
// help from outside: what was saved is enough to find one curator, which knows
// where the leader is. This happens once, and with NODEDNS_FULL=1 three times.
func TestColdStart(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	rounds := testkit.Times(1, 3)
	p := newPlane(t, 3, rounds)
	for _, m := range p.curators() {
		m.curator.launch()
	}
	p.enrol()
	p.configure(false)
	for _, m := range p.members {
		m.boot()
	}
	eventually(t, "all know all", p.agreed)
	p.configure(true)
	eventually(t, "all have saved all", func() error {
		for _, m := range p.members {
			if _, err := os.Stat(m.path(savedFile)); errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return p.saved()
	})

	for round := range rounds {
		for _, m := range p.members {
			m.daemon.kill()
			if m.curator != nil {
				m.curator.kill()
			}
		}
		// One curator and one other node have moved, in each round others.
		for i, m := range []*member{p.members[round], p.members[3+round]} {
			m.move(netip.AddrFrom4([4]byte{10, 88, 0, byte(100 + 10*round + i)}))
		}
		starts := []func(){}
		for _, m := range p.members {
			starts = append(starts, func() { m.boot() })
			if m.curator != nil {
				starts = append(starts, m.curator.launch)
			}
		}
		random.Shuffle(len(starts), func(i, j int) { starts[i], starts[j] = starts[j], starts[i] })
		for _, start := range starts {
			start()
			time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond) // in any order, at any pace
		}
		eventuallyWithin(t, 2*patience, "all know all again", p.agreed)
		leader := p.awaitLeader()
		for _, m := range p.curators() {
			for _, peer := range p.curators() {
				if named := m.curator.tell("reach %s 7835", peer.id); named != leader.id {
					t.Errorf("the curator of %s names %s as the leader, want %s", peer.name, named, leader.id)
				}
			}
		}
		eventually(t, "all have saved all", p.saved)
	}
}

// The leader dies, with NODEDNS_FULL=1 again and again, and each time the next one
// is followed and has all nodes.
func TestLeaderKilled(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	p := newPlane(t, 3, 1)
	for _, m := range p.curators() {
		m.curator.launch()
	}
	p.enrol()
	p.configure(false)
	for _, m := range p.members {
		m.boot()
	}
	eventually(t, "all know all", p.agreed)
	n := p.members[3]
	for range testkit.Times(1, 2) {
		leader := p.awaitLeader()
		leader.curator.kill()
		next := p.awaitLeader()
		peer, addr := strangerID(t), netip.MustParseAddr("10.88.0.200")
		next.curator.tell("set %s %s", peer, addr)
		eventually(t, "the new leader's news", func() error { return n.knows(peer, addr) })
		next.curator.tell("remove %s", peer)
		leader.curator.launch()
	}
	eventually(t, "all know all", p.agreed)
}

// A leader that is stopped is neither dead nor cut off: it keeps its
// connections and its leadership, and sends nothing. That is noticed, and it is
// followed again when it goes on.
func TestLeaderStopped(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	p := newPlane(t, 2, 1)
	for _, m := range p.curators() {
		m.curator.launch()
	}
	p.enrol()
	p.configure(false)
	for _, m := range p.members {
		m.boot()
	}
	eventually(t, "all know all", p.agreed)
	leader, n := p.awaitLeader(), p.members[2]
	must(t, leader.curator.cmd.Process.Signal(unix.SIGSTOP))
	eventually(t, "the silence is noticed", func() error { return n.connection(false) })
	for _, peer := range p.members {
		must(t, n.knows(peer.id, peer.addr))
	}
	must(t, leader.curator.cmd.Process.Signal(unix.SIGCONT))
	eventually(t, "all know all", p.agreed)
}
