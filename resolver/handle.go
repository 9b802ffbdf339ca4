package resolver

import (
	"context"
	"errors"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/fastpath"
	"github.com/nodedns/nodedns/resolver/internal/forward"
	"github.com/nodedns/nodedns/resolver/internal/querylog"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/listen"
)

// Handle implements [listen.Handler]. What needs no upstream is answered at
// once. It may be called concurrently.
func (s *Server) Handle(message []byte, client listen.Client, buffer []byte) ([]byte, listen.Wait) {
	q := s.queries.Get().(*fastpath.Query)
	defer s.queries.Put(q)
	return s.handle(&arrival{message: message, client: client, buffer: buffer}, q, &s.tallies.shared)
}

// arrival is a message that was received.
type arrival struct {
	message []byte
	client  listen.Client
	buffer  []byte // for the reply
	state   *state // when it arrived
	now     time.Duration
}

// handle answers a message on the fast path, or on the ordinary one from where
// the fast path stopped.
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
		if s.observer.log.Watched() {
			s.observer.fast(a, &verdict, reply)
		}
		return reply, nil
	}
	return s.ordinary(*a, came, verdict)
}

// ordinary answers a message with the DNS library. If the fast path has already
// decided, its verdict is used.
func (s *Server) ordinary(a arrival, came progress, verdict decision.Verdict) ([]byte, listen.Wait) {
	st := a.state
	s.counters.received(a.client.TCP)
	r, err := wire.Parse(a.message, a.origin())
	switch {
	case errors.Is(err, wire.ErrNoQuery):
		s.counters.dropped.Add(1)
		return nil, nil
	case errors.Is(err, wire.ErrOpcode):
		return s.rejected(&a, dns.RcodeNotImplemented, err, wire.RejectOpcode(a.message, a.buffer)), nil
	case err != nil:
		return s.rejected(&a, dns.RcodeFormatError, err, wire.Reject(a.message, a.buffer, dns.RcodeFormatError)), nil
	}
	if came == unread {
		var ok bool
		if verdict, ok = s.check(r, st); ok {
			s.decide(&verdict, &r.Question, st, a.now)
		}
	}
	reply := s.forward.Reply(r, &st.targets, &verdict)
	switch {
	case reply != nil:
	case !a.client.Busy && s.forward.InFlight.Enter():
		return nil, func(ctx context.Context) []byte {
			defer s.forward.InFlight.Leave()
			reply := s.forward.Forward(ctx, r, &st.targets, &verdict)
			return s.pack(r, reply, &verdict, nil)
		}
	default:
		reply = s.forward.Overloaded(r, &st.targets, &verdict)
	}
	return s.pack(r, reply, &verdict, a.buffer), nil
}

// check refuses requests that are not to be decided.
func (s *Server) check(r *wire.Request, st *state) (decision.Verdict, bool) {
	if server, looped := s.pool.Looped(&r.Msg); looped {
		return forward.LoopDetected(server), false
	}
	return r.Check(st.allows(r.Client.Addr()))
}

// pack encodes the reply to a message from a socket, counts and logs it.
// The buffer is used if it is large enough.
func (s *Server) pack(r *wire.Request, m *dns.Msg, verdict *decision.Verdict, buffer []byte) []byte {
	reply, rcode := s.replies.Encode(r, m, verdict, buffer)
	s.counters.replied(verdict.Source, rcode)
	if s.observer.log.Watched() {
		s.observer.request(r, verdict, rcode, reply)
	}
	return reply
}

// rejected counts and logs the reply to a message of which only the header can be
// trusted.
func (s *Server) rejected(a *arrival, rcode int, reason error, reply []byte) []byte {
	s.counters.replied(decision.SourceRequest, rcode)
	if s.observer.log.Watched() {
		verdict := decision.Refuse(rcode, decision.SourceRequest, reason.Error(), decision.ExtendedError{})
		s.observer.publish(a.origin(), &verdict, &querylog.Entry{Rcode: rcode, Reply: reply})
	}
	return reply
}
