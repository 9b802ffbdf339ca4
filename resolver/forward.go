package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// stalePatience is how long a client waits for the upstreams before it gets a
// stale answer (RFC 8767, section 5).
const stalePatience = 1800 * time.Millisecond

// errOverdue is that the time of a query is up.
var errOverdue = errors.New("no answer in time from any upstream")

// maxWait is how long a client waits in all, also if it has to ask again what
// somebody else gave up. An exchange ends before, and then says why it failed.
const maxWait = upstream.Total + 150*time.Millisecond

// forward asks the upstreams and returns the reply for the client. The verdict
// becomes what was done in the end.
func (s *Server) forward(ctx context.Context, r *request, st *state, verdict *decision.Verdict) *dns.Msg {
	ctx, cancel := context.WithTimeoutCause(ctx, maxWait, errOverdue)
	defer cancel()
	var patience <-chan struct{}
	if verdict.Hit.Stale {
		impatient, cancel := context.WithTimeout(ctx, s.patience)
		defer cancel()
		patience = impatient.Done()
	}
	answer, err := s.ask(ctx, newExchange(r, st, verdict), patience)
	if err != nil || !isAnswer(answer.Msg) {
		if reply := s.recall(r, st, verdict); reply != nil {
			return reply
		}
	}
	switch {
	case err == nil:
		r.server, r.protocol = answer.Server, answer.Transport
		return s.deliver(r, st, verdict, answer)
	case errors.Is(err, upstream.ErrBusy):
		return s.turnAway(r, st, verdict)
	}
	s.counters.forwardFailures.Add(1)
	*verdict = decision.Refuse(dns.RcodeServerFailure, decision.SourceUpstream, "no upstream answered", decision.ExtendedError{})
	return s.compose(r, verdict, reasons(err)...)
}

// isAnswer says whether a reply tells of the name, and not of the server.
func isAnswer(m *dns.Msg) bool {
	return m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError
}

// reasons are the extended errors that describe a failure of all upstreams.
func reasons(err error) []*dns.EDNS0_EDE {
	own := &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNetworkError, ExtraText: err.Error()}
	failure := (*upstream.Failure)(nil)
	switch {
	case errors.As(err, &failure):
	case errors.Is(err, errOverdue):
		own.InfoCode = dns.ExtendedErrorCodeNoReachableAuthority
		return []*dns.EDNS0_EDE{own}
	case errors.Is(err, context.Canceled): // mostly because the server ends
		own.InfoCode, own.ExtraText = dns.ExtendedErrorCodeNoReachableAuthority, errAbandoned.Error()
		return []*dns.EDNS0_EDE{own}
	default:
		return []*dns.EDNS0_EDE{own}
	}
	own.InfoCode = failure.Code()
	return append([]*dns.EDNS0_EDE{own}, failure.Extended()...)
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
func (s *Server) deliver(r *request, st *state, verdict *decision.Verdict, answer *upstream.Reply) *dns.Msg {
	if addr, rebinds := st.rebinds(answer.Msg, r.question.Name, verdict.Site); rebinds {
		*verdict = decision.Refuse(dns.RcodeSuccess, decision.SourceUpstream, "it would point to a network that is not public",
			decision.ExtendedError{Code: dns.ExtendedErrorCodeBlocked, Text: fmt.Sprintf(
				"upstream.rebind_protection: %v answered %v; upstream.rebind_allow names the domains that may", answer.Server, addr)})
		return s.compose(r, verdict)
	}
	if answer.Msg.Rcode == dns.RcodeServerFailure && len(upstream.Extended(answer.Msg)) == 0 {
		*verdict = decision.Refuse(dns.RcodeServerFailure, decision.SourceUpstream, "the upstreams failed",
			decision.ExtendedError{Code: dns.ExtendedErrorCodeNoReachableAuthority, Text: answer.Server.String() + " answered SERVFAIL and not why"})
		return s.compose(r, verdict)
	}
	// Who asks first is told the same TTLs as those who ask later.
	cache.Settle(answer.Msg, r.msg.Question[0].Qtype)
	return s.relay(r, st, verdict, answer.Msg)
}

// rebinds finds an address in an answer for a name from which clients are to be
// kept. The names of the site itself, for which there is a route or an exception,
// point where they like.
func (st *state) rebinds(answer *dns.Msg, name decision.Name, site bool) (netip.Addr, bool) {
	if !st.settings.Upstreams.RebindProtection || site {
		return netip.Addr{}, false
	}
	if _, _, excepted := st.sites.Lookup(name); excepted {
		return netip.Addr{}, false
	}
	return upstream.Rebinds(answer)
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
