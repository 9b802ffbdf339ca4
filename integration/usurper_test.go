package integration

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// realm is a cluster that is attacked: real curators that share a store, a node
// that follows them, and workers whose certificates are as good as any and that
// may serve what they like.
type realm struct {
	*plane
	victim  *member
	workers []*member
	peer    string // a node that each lie is about
}

// Where the peer is, where it moves to, and where hostile nodes claim it to be.
var (
	trueAddr  = netip.MustParseAddr("10.88.0.101")
	movedAddr = netip.MustParseAddr("10.88.0.102")
	falseAddr = netip.MustParseAddr("10.88.0.166")
	markAddr  = netip.MustParseAddr("10.88.0.110") // of what is set last
)

// newRealm starts the curators and enrols all. The victim is configured with the
// endpoints of the first curators, by address and without a pin, and not booted.
func newRealm(t testing.TB, curators, configured, workers int) *realm {
	t.Helper()
	p := newPlane(t, curators, 1+workers)
	r := &realm{plane: p, victim: p.members[curators], workers: p.members[curators+1:], peer: strangerID(t)}
	p.members[0].curator.launch()
	leader := p.awaitLeader().curator // the first one
	for i, m := range p.members {
		r.enter(leader, m, i < curators)
		leader.tell("issue %s %s", m.path(credentialsDir), m.path(keyFile))
	}
	leader.tell("set %s %s", r.peer, trueAddr)
	for _, m := range p.curators()[1:] {
		m.curator.launch()
	}
	var endpoints []string
	for _, m := range p.members[:configured] {
		endpoints = append(endpoints, m.addr.String()+":7835")
	}
	r.follow(endpoints...)
	return r
}

// enter has a node in the directory, as a consensus member with a curator or as a
// worker.
func (r *realm) enter(leader *curator, m *member, member bool) {
	r.t.Helper()
	role := "roles=kubernetes-worker"
	if member {
		role = "roles=consensus-member port=7835"
	}
	leader.tell("set %s %s %s", m.id, m.addr, role)
}

// follow configures the victim with these endpoints.
func (r *realm) follow(endpoints ...string) {
	r.victim.configure("[curator]", fmt.Sprintf(`endpoints = ["%s"]`, strings.Join(endpoints, `", "`)), noUpstream)
}

// bootVictim starts the victim's daemon, and waits until it follows the leader.
func (r *realm) bootVictim(flags ...string) {
	r.t.Helper()
	r.victim.daemon = r.victim.startDaemon(flags...)
	leader := r.awaitLeader()
	eventually(r.t, "the leader is followed", func() error { return r.victim.followsMember(leader) })
	eventually(r.t, "the peer is known", func() error { return r.victim.resolves(r.peer, trueAddr) })
}

// awaitMove has the leader move the peer, and waits until the victim knows.
func (r *realm) awaitMove(leader *member) {
	r.t.Helper()
	leader.curator.tell("set %s %s", r.peer, movedAddr)
	eventually(r.t, "news of the leader", func() error { return r.victim.resolves(r.peer, movedAddr) })
}

// claim has workers publish in their own status that they run a curator, and
// waits until the victim has received it.
func (r *realm) claim(leader *curator, workers ...*member) {
	r.t.Helper()
	for _, m := range workers {
		leader.tell("set %s %s roles=kubernetes-worker port=7835", m.id, m.addr)
	}
	mark := strangerID(r.t)
	leader.tell("set %s %s", mark, markAddr)
	eventually(r.t, "the claims are known", func() error { return r.victim.answers("NOERROR", mark) })
}

// usurp serves a cluster of which only the worker itself is a member, with a
// certificate of the CA. It claims to lead.
func (r *realm) usurp(m *member, credentials string) *curator {
	r.t.Helper()
	c := &curator{host: m.host, id: m.id, port: 7835, flags: []string{"--listen", ":7835", "--credentials", credentials}}
	c.launch()
	r.t.Cleanup(c.kill)
	c.tell("set %s %s roles=consensus-member port=7835", m.id, m.addr)
	c.tell("set %s %s roles=kubernetes-worker", r.victim.id, r.victim.addr)
	c.tell("set %s %s", r.peer, falseAddr)
	return c
}

// usurpers has the first worker claim to lead, and the others agree.
func (r *realm) usurpers(workers ...*member) []*curator {
	r.t.Helper()
	var all []*curator
	for i, m := range workers {
		c := r.usurp(m, m.path(credentialsDir))
		if i > 0 {
			c.tell("follower on")
			c.tell("leader %s %s 7835", workers[0].id, workers[0].addr)
		}
		all = append(all, c)
	}
	return all
}

// hand gives an address to another member, and has the victim look for it: the
// kernel keeps where an address was for up to a minute.
func (r *realm) hand(addr netip.Addr, to *member) {
	r.t.Helper()
	to.move(addr)
	r.victim.run("ip", "neigh", "flush", "dev", "eth0")
}

// recover gives the first worker's address back to the curator that had it, has
// all of them start again, and awaits that their leader is followed.
func (r *realm) recover(addr netip.Addr, owner *member) {
	r.t.Helper()
	r.workers[0].withdraw(addr)
	r.hand(addr, owner)
	for _, m := range r.curators() {
		m.curator.launch()
	}
	leader := r.awaitLeader()
	eventually(r.t, "the leader is followed again", func() error { return r.victim.followsMember(leader) })
	r.awaitMove(leader)
}

// vigil is how long a test checks that something does not happen. Each of the
// attacks took a second at most where it succeeded.
const vigil = 5 * time.Second

// resists fails if one of the usurpers is followed within the vigil, or if the
// victim finds the peer elsewhere than at this address.
func (r *realm) resists(addr netip.Addr, usurpers ...*curator) {
	r.t.Helper()
	for end := time.Now().Add(vigil); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		must(r.t, r.victim.daemon.running())
		must(r.t, r.victim.resolves(r.peer, addr))
		for _, c := range usurpers {
			if n := c.tell("streams"); n != "0" {
				r.t.Fatalf("%s is followed, by %s streams", c.name, n)
			}
		}
	}
}

// followsMember fails unless the daemon is connected to the member's curator.
func (m *machine) followsMember(leader *member) error {
	s, err := m.status()
	if err != nil {
		return err
	}
	at, _, _ := strings.Cut(s.Curator.Endpoint, "#")
	if s.Curator.State != "connected" || at != leader.addr.String()+":7835" && at != leader.id+":7835" {
		return fmt.Errorf("the curator is %+v, want that of %s at %s", s.Curator, leader.id, leader.addr)
	}
	return nil
}

// hasSaved fails unless the node of this address is in what the daemon has saved.
func (m *machine) hasSaved(addr netip.Addr) error {
	text, err := os.ReadFile(m.path(savedFile))
	if err == nil && !strings.Contains(string(text), string(addr.AsSlice())) {
		err = fmt.Errorf("%s is not in %s", addr, savedFile)
	}
	return err
}

// hasSavedMembers fails unless the daemon has saved that these may speak for the
// cluster.
func (m *machine) hasSavedMembers(members ...*member) error {
	const path = "/var/lib/nodedns/curators.json"
	text, err := os.ReadFile(m.path(path))
	for _, member := range members {
		if err == nil && !strings.Contains(string(text), member.id) {
			err = fmt.Errorf("%s is not in %s", member.id, path)
		}
	}
	return err
}

// curatorIs fails unless the connection to the cluster is in this state.
func (m *machine) curatorIs(state string) error {
	s, err := m.status()
	if err == nil && s.Curator.State != state {
		err = fmt.Errorf("the curator's state is %q, want %q", s.Curator.State, state)
	}
	return err
}
