package resolver

import (
	"context"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/decision"
)

// inquiry is a request of who is on this machine and needs no socket to ask,
// and what it was decided by.
type inquiry struct {
	*request
	state *state
	view  decision.View
	// decided is the verdict before anybody was asked, and verdict what has
	// become of it.
	decided, verdict decision.Verdict
}

// inquire decides on a request, and asks nobody.
func (s *Server) inquire(r *request) *inquiry {
	now, st := s.clock(), s.current()
	i := &inquiry{request: r, state: st, view: s.view(st, now)}
	const allowed = true
	verdict, ok := r.check(allowed)
	if ok {
		decision.DecideInto(&verdict, &r.question, &i.view)
	}
	i.decided, i.verdict = verdict, verdict
	return i
}

// conclude makes a decision into a reply, which it may have to ask upstreams
// for: it waits for them for up to four seconds.
func (s *Server) conclude(ctx context.Context, i *inquiry) *dns.Msg {
	if reply := s.settle(i.request, i.state, &i.verdict); reply != nil {
		return reply
	}
	if !s.enter() {
		return s.turnAway(i.request, i.state, &i.verdict)
	}
	defer s.leave()
	return s.forward(ctx, i.request, i.state, &i.verdict)
}

// answer is the conclusion for people, with what it comes from.
func (s *Server) answer(ctx context.Context, i *inquiry, start time.Time) *Answer {
	a := asAnswer(s.conclude(ctx, i))
	a.Source, a.Reason = i.verdict.Source.String(), i.verdict.Reason
	a.Facts = s.facts(i)
	a.Duration = time.Since(start)
	return a
}
