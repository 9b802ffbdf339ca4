package resolver

import (
	"context"
	"errors"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/decision"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Handle implements [listen.Handler]. What needs no upstream is answered at
// once.
func (s *Server) Handle(message []byte, client listen.Client, buffer []byte) ([]byte, listen.Wait) {
	s.counters.received(client.TCP)
	r, err := parse(message, client)
	switch {
	case errors.Is(err, errNoQuery):
		s.counters.dropped.Add(1)
		return nil, nil
	case errors.Is(err, errOpcode):
		return s.reject(message, dns.RcodeNotImplemented, buffer), nil
	case err != nil:
		return s.reject(message, dns.RcodeFormatError, buffer), nil
	}
	st := s.current()
	verdict, ok := r.check(st.settings.allows(r.client))
	if ok {
		verdict = s.decide(&r.question, st)
	}
	if verdict.Kind == decision.Forward {
		if !client.Busy && s.enter() {
			return nil, func(ctx context.Context) []byte {
				defer s.leave()
				reply := s.forward(ctx, r, st, &verdict)
				return s.pack(r, reply, verdict.Source, nil)
			}
		}
		s.counters.overloads.Add(1)
		verdict = overloaded()
	}
	return s.pack(r, s.compose(r, &verdict), verdict.Source, buffer), nil
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

// forward asks the upstreams and returns the reply for the client.
func (s *Server) forward(ctx context.Context, r *request, st *state, verdict *decision.Verdict) *dns.Msg {
	servers := st.servers
	if verdict.Private {
		servers = st.private
	}
	answer, err := s.forwarder.Forward(ctx, servers, &r.msg, st.settings.Upstreams.Timeout)
	if err == nil {
		return s.relay(r, answer)
	}
	s.counters.forwardFailures.Add(1)
	extended := decision.ExtendedError{Code: dns.ExtendedErrorCodeNetworkError, Text: err.Error()}
	var passedOn []*dns.EDNS0_EDE
	if failure := (*upstream.Failure)(nil); errors.As(err, &failure) {
		extended.Code = failure.Code()
		passedOn = failure.Extended()
	}
	failed := decision.Refuse(dns.RcodeServerFailure, decision.SourceUpstream, "no upstream answered", extended)
	return s.compose(r, &failed, passedOn...)
}
