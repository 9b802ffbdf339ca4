package upstream

import (
	"context"
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
	for _, peer := range p.list() {
		due, ok := peer.probeTime()
		switch {
		case !ok:
		case due.After(now):
			next = min(next, due.Sub(now))
		default:
			p.beginProbe(s, peer, now)
		}
	}
	return next
}

// probeTime is when a server is to be probed, unless a probe is under way.
func (p *peer) probeTime() (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == Good {
		return p.sampled.Add(measureAfter), !p.probing
	}
	return p.probeAt, !p.probing
}

func (p *Pool) beginProbe(s *session, peer *peer, now time.Time) {
	if !peer.enter(p.config.PerServer) {
		return // it is busy: a result will come
	}
	peer.mu.Lock()
	peer.probing = true
	q := peer.probeQuestion()
	peer.mu.Unlock()
	began := s.scope.Go(func() {
		ctx, cancel := context.WithTimeoutCause(s.scope.Context(), probeLimit, errTimedOut)
		defer cancel()
		reply, _, err := s.queryServer(ctx, peer, q, choices{})
		peer.leave()
		if err == nil {
			peer.answered(time.Since(now))
			if q.asked == peer.rejectedQuestion() && rejected(reply.Rcode) {
				err = rejection{reply}
			}
		}
		peer.probed(now, err)
		p.wake()
	})
	if !began {
		peer.leave()
	}
}

// probeQuestion returns what to query: for a server that rejects queries one of
// those, for one near by what shows a loop, and for others what every server
// can answer. The caller holds mu.
func (p *peer) probeQuestion() *question {
	query := new(dns.Msg)
	switch {
	case p.state == Rejecting:
		query.SetQuestion(p.rejected.Name, p.rejected.Qtype)
	case p.token != 0:
		query.SetQuestion(p.token.loopName(), dns.TypeTXT)
	default:
		query.SetQuestion(".", dns.TypeNS)
	}
	q, err := newQuestion(query)
	if err != nil {
		panic("upstream: a question that was encoded before cannot be encoded: " + err.Error())
	}
	return q
}

func (p *peer) rejectedQuestion() dns.Question {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != Rejecting {
		return dns.Question{}
	}
	return p.rejected
}
