package resolver

import (
	"context"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
)

// lookup is a request of who is on this machine and needs no socket to ask,
// and what it was decided by.
type lookup struct {
	*wire.Request
	state *state
	view  decision.View
	// decided is the verdict before anybody was asked, and verdict what has
	// become of it.
	decided, verdict decision.Verdict
}

// resolve does all that is done for a request. It waits for upstreams, for up to
// four seconds.
func (s *Server) resolve(ctx context.Context, r *wire.Request) (*dns.Msg, decision.Verdict) {
	i := s.begin(r)
	reply := s.finish(ctx, i)
	return reply, i.verdict
}

// begin decides on a request, and asks nobody.
func (s *Server) begin(r *wire.Request) *lookup {
	r.Began = s.clock()
	st := s.current()
	i := &lookup{Request: r, state: st, view: s.view(st, r.Began)}
	const allowed = true
	verdict, ok := r.Check(allowed)
	if ok {
		decision.DecideInto(&verdict, &r.Question, &i.view)
	}
	i.decided, i.verdict = verdict, verdict
	return i
}

// finish makes a decision into a reply, which it may have to ask upstreams
// for.
func (s *Server) finish(ctx context.Context, i *lookup) *dns.Msg {
	reply := s.forward.Finish(ctx, i.Request, &i.state.targets, &i.verdict)
	s.observer.answer(i.Request, &i.verdict, reply)
	return reply
}

// answer is the conclusion for people, with what it was made of.
func (s *Server) answer(ctx context.Context, i *lookup, start time.Time) *Answer {
	a := asAnswer(s.finish(ctx, i), i.Extended)
	a.Provenance = s.provenance(i)
	a.credit(i.verdict.Source, i.verdict.Reason, i.Server, time.Since(start))
	if a.Server != "" {
		a.Protocol = i.Protocol.String()
	}
	return a
}
