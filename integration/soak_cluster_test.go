package integration

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

func (s *soak) killCurator(i, _ int) { s.curators[i].kill() }
func (s *soak) reviveCurator(i int)  { s.curators[i].launch() }

func (s *soak) freezeCurator(i, _ int) {
	c := s.curators[i]
	c.stopped = true
	must(s.t, c.cmd.Process.Signal(unix.SIGSTOP))
}

func (s *soak) thawCurator(i int) {
	c := s.curators[i]
	c.stopped = false
	must(s.t, c.cmd.Process.Signal(unix.SIGCONT))
}

func (s *soak) cutCurator(i, _ int)    { s.curators[i].cut() }
func (s *soak) reconnectCurator(i int) { s.curators[i].reconnect() }
func (s *soak) dropStreams(i, _ int)   { s.curators[i].tell("drop") }

// admitNode enters a node without an address: that is for itself to report.
func (s *soak) admitNode(i int) {
	n := s.nodes[i]
	s.command("set %s - roles=kubernetes-worker name=%s", n.node.id, labelOf(n.labels[n.label]))
}

// expelNode removes one, which others answer still, but for those that have not
// known it.
func (s *soak) expelNode(i, _ int) {
	n := s.nodes[i]
	n.id.doubt()
	n.labels[n.label].doubt()
	s.command("remove %s", n.node.id)
}

func (s *soak) renameNode(i, _ int) {
	n := s.nodes[i]
	addr, _ := n.id.present()
	n.label = swap(n.labels, n.label, addr)
	s.command("rename %s %s", n.node.id, labelOf(n.labels[n.label]))
}

// swap gives a node the other of its two names.
func swap(labels [2]*truth, present int, addr netip.Addr) int {
	labels[present].becomes(netip.Addr{})
	labels[1-present].becomes(addr)
	return 1 - present
}

// addr is where a guest is after some moves.
func (g *soakGuest) addr(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 99, byte(i), byte(1 + g.moves%250)})
}

func (s *soak) joinGuest(i, _ int) {
	g := s.guests[i]
	g.member = !g.member
	if !g.member {
		g.truth.leaves()
		for _, label := range g.labels { // a node that is cut off may have missed a renaming
			label.leaves()
		}
		s.command("remove %s", g.id)
		return
	}
	s.enterGuest(i)
}

// enterGuest enters it as it is now. One that has left is answered still, by its
// old address and name.
func (s *soak) enterGuest(i int) {
	g := s.guests[i]
	g.truth.becomes(g.addr(i))
	g.labels[g.label].becomes(g.addr(i))
	g.labels[1-g.label].becomes(netip.Addr{})
	s.command("set %s %s name=%s", g.id, g.addr(i), labelOf(g.labels[g.label]))
}

func (s *soak) moveGuest(i, _ int) {
	if g := s.guests[i]; g.member {
		g.moves++
		s.enterGuest(i)
	}
}

func (s *soak) renameGuest(i, _ int) {
	if g := s.guests[i]; g.member {
		g.label = swap(g.labels, g.label, g.addr(i))
		s.command("rename %s %s", g.id, labelOf(g.labels[g.label]))
	}
}
