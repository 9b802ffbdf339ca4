package integration

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// controlPlanes are the sizes with which each attack is tried: the one that has
// others to lead after the leader, and with NODEDNS_FULL=1 also a single curator.
func controlPlanes() []int {
	if testkit.Full() {
		return []int{1, 3}
	}
	return []int{3}
}

func attack(t *testing.T, run func(t *testing.T, curators int)) {
	t.Parallel()
	needSandbox(t)
	for _, n := range controlPlanes() {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			run(t, n)
		})
	}
}

// A: more workers than there are curators publish that they run one, and agree
// on a leader.
func TestWorkersOutvoteTheCurators(t *testing.T) {
	attack(t, func(t *testing.T, n int) {
		r := newRealm(t, n, n, n+1)
		usurpers := r.usurpers(r.workers...)
		r.bootVictim()
		leader := r.awaitLeader()
		r.claim(leader.curator, r.workers...)
		r.resists(trueAddr, usurpers...)
		must(t, r.victim.followsMember(leader))
		r.awaitMove(leader)
	})
}

// B: one worker publishes so, and the curators die. They are followed again
// when they are back.
func TestWorkerReplacesDeadCurators(t *testing.T) {
	attack(t, func(t *testing.T, n int) {
		r := newRealm(t, n, n, 1)
		usurpers := r.usurpers(r.workers...)
		r.bootVictim()
		r.claim(r.awaitLeader().curator, r.workers...)
		for _, m := range r.curators() {
			m.curator.kill()
		}
		r.resists(trueAddr, usurpers...)
		for _, m := range r.curators() {
			m.curator.launch()
		}
		leader := r.awaitLeader()
		eventually(t, "the leader is followed again", func() error { return r.victim.followsMember(leader) })
		r.awaitMove(leader)
	})
}

// C: at an endpoint that is a node ID another node answers, one of the cluster or
// one that only has a certificate of its CA.
func TestAnotherNodeAtAnEndpointByID(t *testing.T) {
	attack(t, func(t *testing.T, n int) {
		for i, form := range []struct {
			name     string
			endpoint func(*member) string
		}{
			{"node ID", func(m *member) string { return m.id }},
			{"pinned address", func(m *member) string { return m.addr.String() + ":7835#" + m.id }},
		} {
			for j, who := range []string{"a worker", "a node that is not in the cluster"} {
				if i != j && !testkit.Full() {
					continue // each form and each node once
				}
				t.Run(form.name+", "+who, func(t *testing.T) {
					t.Parallel()
					r := newRealm(t, n, n, 1)
					leader := r.awaitLeader()
					shown := r.workers[0].path(credentialsDir)
					if who != "a worker" {
						shown = t.TempDir()
						leader.curator.tell("issue %s", shown)
					}
					r.bootVictim() // which receives where the nodes are
					var pinned []string
					for _, m := range r.curators() {
						pinned = append(pinned, form.endpoint(m))
					}
					r.follow(pinned...)
					r.victim.daemon.signal(unix.SIGTERM)
					r.victim.daemon.exit()
					r.bootVictim()

					addr := leader.addr
					for _, m := range r.curators() {
						m.curator.kill()
					}
					leader.withdraw(addr)
					r.hand(addr, r.workers[0])
					usurper := r.usurp(r.workers[0], shown)
					eventually(t, "it is reached and refused", func() error { return r.victim.curatorIs("unauthorized") })
					r.resists(trueAddr, usurper)

					usurper.kill()
					r.recover(addr, leader)
				})
			}
		}
	})
}

// leaderWithin is when a new leader has to be followed.
const leaderWithin = 5 * time.Second

// D: one curator is configured, and leads. It dies, and a worker claims to lead,
// with a backlog that leaves out the other curators. The new leader is followed.
func TestWorkerLeadsAfterTheLeader(t *testing.T) {
	attack(t, func(t *testing.T, n int) {
		r := newRealm(t, n, 1, 1)
		usurpers := r.usurpers(r.workers...)
		r.bootVictim()
		old := r.awaitLeader()
		r.claim(old.curator, r.workers...)
		old.curator.kill()
		if n == 1 {
			r.resists(trueAddr, usurpers...)
			old.curator.launch()
		}
		leader := r.awaitLeader()
		eventuallyWithin(t, leaderWithin, "the new leader is followed", func() error { return r.victim.followsMember(leader) })
		r.resists(trueAddr, usurpers...)
		r.awaitMove(leader)
	})
}

// The daemon starts while of all curators only false ones can be reached: one
// at the address of the configured endpoint, one that it knew before.
func TestUsurpersAtTheStart(t *testing.T) {
	attack(t, func(t *testing.T, n int) {
		r := newRealm(t, n, 1, 2)
		r.bootVictim()
		leader := r.awaitLeader()
		r.claim(leader.curator, r.workers...)
		eventually(t, "the nodes are saved", func() error { return r.victim.hasSaved(markAddr) })
		eventually(t, "the members are saved", func() error { return r.victim.hasSavedMembers(r.curators()...) })
		r.victim.daemon.kill()
		for _, m := range r.curators() {
			m.curator.kill()
		}
		addr := leader.addr
		leader.withdraw(addr)
		r.hand(addr, r.workers[0])
		usurpers := r.usurpers(r.workers...)

		r.victim.boot()
		eventually(t, "the saved nodes answer", func() error { return r.victim.resolves(r.peer, trueAddr) })
		eventually(t, "the usurper is reached and refused", func() error { return r.victim.curatorIs("unauthorized") })
		r.resists(trueAddr, usurpers...)

		usurpers[0].kill()
		r.recover(addr, leader)
	})
}
