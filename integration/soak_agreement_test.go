package integration

import (
	"errors"
	"fmt"
	"time"
)

// soakAgreement is when nodes that have not agreed after the last fault count as
// never agreeing. A partition takes 15 s to be noticed, a pause is 10 s, and an
// upstream that is down is tried again within a minute.
const soakAgreement = 2 * time.Minute

// settle waits until all faults are forgotten, and looks for what has grown.
func (s *soak) settle() {
	s.current.Store(nil)
	s.awaitAgreement()
	if leader := s.leader(); leader != nil && leader != s.led {
		s.led, s.seen.leaders = leader, s.seen.leaders+1
	}
	s.awaitEach("nothing has grown", func(n *soakNode) error { return n.usage.check(n) })
}

// awaitAgreement waits until all nodes know the truth, which is all that may be
// answered from then on.
func (s *soak) awaitAgreement() {
	s.t.Helper()
	took, ok := s.awaitEach("it agrees", s.agrees)
	if !ok {
		return
	}
	s.seen.agreement = max(s.seen.agreement, took)
	s.t.Logf("%v: all agree after %v", s.passed(), took.Round(time.Millisecond))
	for _, tr := range s.truths() {
		tr.agreed()
	}
}

// awaitEach waits until something is true of each node, and reports whether it was
// in time.
func (s *soak) awaitEach(what string, holds func(*soakNode) error) (took time.Duration, ok bool) {
	begun := time.Now()
	for _, n := range s.nodes {
		err := holds(n)
		for ; err != nil && time.Since(begun) < soakAgreement; err = holds(n) {
			s.flush()
			time.Sleep(soakFlush)
		}
		if err != nil {
			s.fail("not within %v: %s: %s: %v", soakAgreement, n.name, what, err)
			s.seen.lasting = true
			return 0, false
		}
	}
	return time.Since(begun), true
}

// truths are all that change.
func (s *soak) truths() (all []*truth) {
	for _, n := range s.nodes {
		all = append(append(append(all, n.id), n.labels[:]...), n.files...)
	}
	for _, g := range s.guests {
		all = append(append(all, g.truth), g.labels[:]...)
	}
	return all
}

// agrees fails unless a node knows the truth, and all its parts work.
func (s *soak) agrees(n *soakNode) error {
	if len(s.pending) > 0 {
		return errors.New("no curator leads")
	}
	status, err := n.status()
	if err != nil {
		return err
	}
	if !status.Verdict.Healthy {
		return fmt.Errorf("it is unhealthy: %+v", status.Verdict)
	}
	own, _ := n.id.present()
	errs := []error{n.daemon.running(), n.knows(n.node.id, own, n.v6()), n.userLines(), n.pointsHere("search "+soakDomain, "options edns0")}
	for _, peer := range s.nodes {
		if peer != n {
			errs = append(errs, n.agreesOn(peer.id))
		}
		errs = append(errs, n.agreesOn(peer.labels[1-peer.label]))
	}
	for _, g := range s.guests {
		errs = append(errs, n.agreesOn(g.truth), n.agreesOn(g.labels[0]), n.agreesOn(g.labels[1]))
	}
	for _, tr := range n.files {
		errs = append(errs, n.agreesOn(tr))
	}
	return errors.Join(append(errs, n.asksUpstreams())...)
}

// agreesOn fails unless DNS and the file have the truth of a name.
func (n *soakNode) agreesOn(tr *truth) error {
	addr, settled := tr.present()
	switch {
	case !settled:
		return nil
	case !addr.IsValid():
		return errors.Join(n.answers("NXDOMAIN", tr.name), n.fileHas(tr.name))
	}
	return n.knows(tr.name, addr)
}

// asksUpstreams fails unless names of others are resolved.
func (n *soakNode) asksUpstreams() error {
	r, err := n.ask(fmt.Sprintf("%08x.", time.Now().UnixNano()&0xffffffff)+soakWild, "A")
	if err != nil {
		return err
	}
	return errors.Join(r.expectStatus("NOERROR"), r.expectAnswer(soakWildAddr.String()))
}

// calm ends the load and all else, and waits until the daemons have nothing left to
// do and are as they were before.
func (s *soak) calm() {
	s.stop()
	for _, n := range s.nodes {
		if lost := s.seen.excuse(n); len(lost) > 0 {
			s.fail("%s: %d queries have no answer, the first after %v", n.name, len(lost), lost[0].Sub(s.begun))
		}
	}
	_, s.finished = s.awaitEach("it is idle", (*soakNode).isIdle)
}
