package upstream

import (
	"context"
	"slices"
	"time"

	"github.com/miekg/dns"
)

const (
	// idleAfter is after how long without queries probes end. A machine that
	// makes no queries sends nothing.
	idleAfter = time.Minute
	// measureAfter is when a server that is not the first choice is queried, to
	// measure whether it should be.
	measureAfter = time.Minute
	probeLimit   = time.Second
	// outageBackoff is how often servers are probed while none answers: everybody
	// waits for the first that does.
	outageBackoff = 2 * time.Second
)

// probe sends probes when they are due, until ctx ends.
func (p *Pool) probe(ctx context.Context, s *session) {
	for {
		next := p.probeDue(s)
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-p.wakeup:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// probeDue begins the probes that are due, and returns when to check again.
func (p *Pool) probeDue(s *session) (next time.Duration) {
	next = idleAfter
	if p.idle() >= idleAfter {
		return next // the next query wakes us
	}
	now := time.Now()
	peers := p.list()
	outage := !slices.ContainsFunc(peers, func(peer *peer) bool { return peer.effectiveState(true) == Good })
	for _, peer := range peers {
		due, ok := peer.probeTime(outage)
		switch {
		case !ok:
		case due.After(now):
			next = min(next, due.Sub(now))
		default:
			p.beginProbe(s, peer, now)
		}
	}
	return p.probeStandby(s, now, next)
}

// probeTime is when a server is to be probed, unless a probe is under way.
func (p *peer) probeTime(outage bool) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	soon := p.probed.Add(outageBackoff)
	switch {
	case p.state == Good:
		return p.sampled.Add(measureAfter), !p.probing
	case p.state != Looping && outage && soon.Before(p.probeAt):
		return soon, !p.probing
	}
	return p.probeAt, !p.probing
}

func (p *Pool) beginProbe(s *session, peer *peer, now time.Time) {
	peer.mu.Lock()
	peer.probing, peer.probed = true, now
	q, deadline := peer.probeQuestion(), peer.deadline()
	peer.mu.Unlock()
	s.scope.Go(func() {
		ctx, cancel := context.WithTimeoutCause(s.scope.Context(), probeLimit, errTimedOut)
		defer cancel()
		late := time.AfterFunc(deadline, func() { peer.unproven(errTimedOut, now) })
		a := newAttempt(s, peer, q)
		a.brisk = true
		_, _, err := a.run(ctx)
		if replied(err) {
			err = nil
		}
		if late.Stop() && err != nil && s.scope.Context().Err() == nil {
			peer.unproven(err, now)
		}
		peer.endProbe(now, err)
		p.wake()
	})
}

// probeQuestion returns what to query: of a server near by what shows a loop,
// and of others, or of one that is silent to that, what every server can answer.
// The caller holds mu.
func (p *peer) probeQuestion() *question {
	query := new(dns.Msg)
	if p.token != 0 && (p.failures%2 == 0 || p.state == Looping) {
		query.SetQuestion(p.token.loopName(), dns.TypeTXT)
	} else {
		query.SetQuestion(".", dns.TypeNS)
	}
	q, err := newQuestion(query)
	if err != nil {
		panic("upstream: our own question cannot be encoded: " + err.Error())
	}
	return q
}
