package resolver

import (
	"context"
	"errors"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/fastpath"
	"github.com/nodedns/nodedns/resolver/listen"
)

// Handle implements [listen.Handler]. What needs no upstream is answered at
// once. It may be called concurrently.
func (s *Server) Handle(message []byte, client listen.Client, buffer []byte) ([]byte, listen.Wait) {
	q := s.queries.Get().(*fastpath.Query)
	defer s.queries.Put(q)
	return s.handle(&arrival{message: message, client: client, buffer: buffer}, q, &s.tallies.shared)
}

// arrival is a message that has come.
type arrival struct {
	message []byte
	client  listen.Client
	buffer  []byte // for the reply
	state   *state // at that moment
	now     time.Duration
}

// handle answers a message by the fast path, or by the ordinary one from where
// the other came to.
func (s *Server) handle(a *arrival, q *fastpath.Query, counts *tally) ([]byte, listen.Wait) {
	a.now = a.client.Now
	if a.now == 0 {
		a.now = s.clock()
	}
	a.state = s.current()
	var verdict decision.Verdict
	reply, came := s.fast(a, q, &verdict)
	if came == replied {
		counts.replied(a.client.TCP, verdict.Source, verdict.Rcode)
		if s.taps.Watched() {
			s.observeFast(a, &verdict, reply)
		}
		return reply, nil
	}
	return s.ordinary(*a, came, verdict)
}

// ordinary answers a message by way of the DNS library. Of one that the fast
// path has decided on the verdict stands.
func (s *Server) ordinary(a arrival, came progress, verdict decision.Verdict) ([]byte, listen.Wait) {
	st := a.state
	s.counters.received(a.client.TCP)
	r, err := parse(a.message, a.origin())
	switch {
	case errors.Is(err, errNoQuery):
		s.counters.dropped.Add(1)
		return nil, nil
	case errors.Is(err, errOpcode):
		return s.reject(&a, dns.RcodeNotImplemented, err), nil
	case err != nil:
		return s.reject(&a, dns.RcodeFormatError, err), nil
	}
	if came == unread {
		var ok bool
		if verdict, ok = s.check(r, st); ok {
			s.decide(&verdict, &r.question, st, a.now)
		}
	}
	reply := s.settle(r, st, &verdict)
	switch {
	case reply != nil:
	case !a.client.Busy && s.enter():
		return nil, func(ctx context.Context) []byte {
			defer s.leave()
			reply := s.forward(ctx, r, st, &verdict)
			return s.pack(r, reply, &verdict, nil)
		}
	default:
		reply = s.turnAway(r, st, &verdict)
	}
	return s.pack(r, reply, &verdict, a.buffer), nil
}

// settle makes a verdict into a reply, or returns nil if the upstreams are to
// be asked now.
func (s *Server) settle(r *request, st *state, verdict *decision.Verdict) *dns.Msg {
	switch verdict.Kind {
	case decision.Forward:
		return nil
	case decision.Cached:
		if verdict.Hit.Prefetch {
			s.prefetch(r, st, verdict)
		}
		return s.recall(r, st, verdict)
	}
	return s.compose(r, verdict)
}

// turnAway answers what there is no place for: by a stale reply, if there is
// one.
func (s *Server) turnAway(r *request, st *state, verdict *decision.Verdict) *dns.Msg {
	s.counters.overloads.Add(1)
	if reply := s.recall(r, st, verdict); reply != nil {
		return reply
	}
	*verdict = overloaded()
	return s.compose(r, verdict)
}

// enter takes one of the places for queries in flight, and says whether there
// was one.
func (s *Server) enter() bool {
	select {
	case s.inFlight <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *Server) leave() { <-s.inFlight }

func overloaded() decision.Verdict {
	return decision.Refuse(dns.RcodeServerFailure, decision.SourceUpstream, "too many queries in flight",
		decision.ExtendedError{Code: dns.ExtendedErrorCodeNetworkError, Text: "too many queries are waiting for upstreams"})
}

// check turns down what is not to be decided.
func (s *Server) check(r *request, st *state) (decision.Verdict, bool) {
	if server, looped := s.pool.Looped(&r.msg); looped {
		return turnBack(server), false
	}
	return r.check(st.allows(r.client.Addr()))
}
