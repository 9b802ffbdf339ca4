package resolver

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/decision"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// forward asks the upstreams and returns the reply for the client.
func (s *Server) forward(ctx context.Context, r *request, st *state, verdict *decision.Verdict) *dns.Msg {
	answer, err := st.group(verdict).Exchange(ctx, r.outgoing(st))
	var failure *upstream.Failure
	switch {
	case err == nil:
		return s.deliver(r, st, answer)
	case errors.Is(err, upstream.ErrBusy):
		s.counters.overloads.Add(1)
		*verdict = overloaded()
		return s.compose(r, verdict)
	}
	s.counters.forwardFailures.Add(1)
	extended := decision.ExtendedError{Code: dns.ExtendedErrorCodeNetworkError, Text: err.Error()}
	var passedOn []*dns.EDNS0_EDE
	if errors.As(err, &failure) {
		extended.Code = failure.Code()
		passedOn = failure.Extended()
	}
	failed := decision.Refuse(dns.RcodeServerFailure, decision.SourceUpstream, "no upstream answered", extended)
	return s.compose(r, &failed, passedOn...)
}

// group are the upstreams that a verdict leaves a question to.
func (st *state) group(verdict *decision.Verdict) *upstream.Group {
	switch {
	case verdict.Route != 0:
		return st.routed[verdict.Route-1]
	case verdict.Private:
		return st.private
	default:
		return st.servers
	}
}

// outgoing is the query as the upstreams are asked. The AD bit says that ours
// is of use (RFC 6840, section 5.7).
func (r *request) outgoing(st *state) *dns.Msg {
	m := new(dns.Msg)
	m.Id = r.msg.Id
	m.RecursionDesired = r.msg.RecursionDesired
	m.CheckingDisabled = r.msg.CheckingDisabled
	m.AuthenticatedData = st.settings.Upstreams.TrustAD
	m.Question = r.msg.Question
	if r.opt != nil {
		m.Extra = []dns.RR{r.opt} // for its DO bit, and the marks of loops
	}
	return m
}

// deliver makes an upstream's answer into the reply for the client.
//
// Instead of an answer that would rebind a name the client gets NODATA. An error
// would have it ask another server, by whom it may not be protected.
func (s *Server) deliver(r *request, st *state, answer *upstream.Reply) *dns.Msg {
	if addr, rebinds := upstream.Rebinds(answer.Msg, isSiteName); st.settings.Upstreams.RebindProtection && rebinds {
		blocked := decision.Refuse(dns.RcodeSuccess, decision.SourceUpstream, "it would point to a network that is not public",
			decision.ExtendedError{Code: dns.ExtendedErrorCodeBlocked, Text: fmt.Sprintf("upstream.rebind_protection: %v answered %v", answer.Server, addr)})
		return s.compose(r, &blocked)
	}
	if answer.Msg.Rcode == dns.RcodeServerFailure && len(upstream.Extended(answer.Msg)) == 0 {
		failed := decision.Refuse(dns.RcodeServerFailure, decision.SourceUpstream, "the upstreams failed",
			decision.ExtendedError{Code: dns.ExtendedErrorCodeNoReachableAuthority, Text: answer.Server.String() + " answered SERVFAIL and not why"})
		return s.compose(r, &failed)
	}
	return s.relay(r, answer.Msg, st.settings.Upstreams.TrustAD)
}

// isSiteName says whether a name may well point to a network that is not
// public: home.arpa is each site's own (RFC 8375).
func isSiteName(name string) bool {
	return strings.HasSuffix("."+dns.CanonicalName(name), ".home.arpa.")
}

// turnBack refuses a query that came back to us.
func turnBack(through upstream.Server) decision.Verdict {
	text := "the query has gone through too many servers that forward to each other"
	if through != (upstream.Server{}) {
		text = "the query came back to us through " + through.String()
	}
	return decision.Refuse(dns.RcodeRefused, decision.SourceRequest, "a query of ours that came back",
		decision.ExtendedError{Code: dns.ExtendedErrorCodeNetworkError, Text: text})
}
