package resolver

import (
	"context"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Lookup is a request from this machine that needs no socket, and what its
// decision is based on. It is for the packages below this one: inspect and
// nssresolve.
type Lookup struct {
	*wire.Request
	View decision.View
	// Decided is the verdict before any upstream was asked, and Verdict the final
	// one.
	Decided, Verdict decision.Verdict

	server *Server
	state  *state
}

// Lookup decides on a request, and asks no upstream.
func (s *Server) Lookup(r *wire.Request) *Lookup {
	r.Began = s.clock()
	st := s.current()
	l := &Lookup{Request: r, View: s.view(&st.targets, r.Began), server: s, state: st}
	const allowed = true
	verdict, ok := r.Check(allowed)
	if ok {
		decision.DecideInto(&verdict, &r.Question, &l.View)
	}
	l.Decided, l.Verdict = verdict, verdict
	return l
}

// Upstreams are those that a question which the decision forwards goes to, in
// the order in which they would be asked.
func (l *Lookup) Upstreams() []upstream.Status { return l.state.targets.Group(&l.Decided).Order() }

// Finish turns the decision into a reply, and asks upstreams if it has to. It
// waits up to four seconds. If the request is Offline it returns nil instead.
func (l *Lookup) Finish(ctx context.Context) *dns.Msg {
	reply := l.server.forward.Finish(ctx, l.Request, &l.state.targets, &l.Verdict)
	if reply != nil {
		l.server.observer.answer(l.Request, &l.Verdict, reply)
	}
	return reply
}
