package resolver

import (
	"context"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
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

// resolve does all that is done for a request. It waits for upstreams, for up to
// four seconds.
func (s *Server) resolve(ctx context.Context, r *request) (*dns.Msg, decision.Verdict) {
	i := s.inquire(r)
	reply := s.conclude(ctx, i)
	return reply, i.verdict
}

// inquire decides on a request, and asks nobody.
func (s *Server) inquire(r *request) *inquiry {
	r.began = s.clock()
	st := s.current()
	i := &inquiry{request: r, state: st, view: s.view(st, r.began)}
	const allowed = true
	verdict, ok := r.check(allowed)
	if ok {
		decision.DecideInto(&verdict, &r.question, &i.view)
	}
	i.decided, i.verdict = verdict, verdict
	return i
}

// conclude makes a decision into a reply, which it may have to ask upstreams
// for.
func (s *Server) conclude(ctx context.Context, i *inquiry) *dns.Msg {
	reply := s.settle(i.request, i.state, &i.verdict)
	switch {
	case reply != nil:
	case s.enter():
		defer s.leave()
		reply = s.forward(ctx, i.request, i.state, &i.verdict)
	default:
		reply = s.turnAway(i.request, i.state, &i.verdict)
	}
	s.observeAnswer(i.request, &i.verdict, reply)
	return reply
}

// answer is the conclusion for people, with what it was made of.
func (s *Server) answer(ctx context.Context, i *inquiry, start time.Time) *Answer {
	a := asAnswer(s.conclude(ctx, i), i.extended)
	a.Facts = s.facts(i)
	a.credit(i.verdict.Source, i.verdict.Reason, i.server, time.Since(start))
	if a.Server != "" {
		a.Protocol = i.protocol.String()
	}
	return a
}
