package forward

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// StalePatience is how long a client waits for the upstreams before it gets a
// stale answer (RFC 8767, section 5).
const StalePatience = 1800 * time.Millisecond

// ErrOverdue is returned when the time of a query is up.
var ErrOverdue = errors.New("no answer in time from any upstream")

// MaxWait is how long a client waits in total, even if it has to repeat a query
// that another one gave up. An exchange ends before, and then returns why it
// failed.
const MaxWait = upstream.Total + 150*time.Millisecond

// Forward asks the upstreams, those that aliases lead to included, and returns
// the reply for the client. The verdict becomes the final one.
func (f *Forwarder) Forward(ctx context.Context, r *wire.Request, t *Targets, verdict *decision.Verdict) *dns.Msg {
	ctx, cancel := context.WithTimeoutCause(ctx, MaxWait, ErrOverdue)
	defer cancel()
	finish := func(r *wire.Request, verdict *decision.Verdict) *dns.Msg {
		if reply := f.Reply(r, t, verdict); reply != nil {
			return reply
		}
		return f.Forward(ctx, r, t, verdict)
	}
	if verdict.Kind == decision.Cached {
		if reply := f.replyFromCache(r, t, verdict, finish); reply != nil {
			return reply
		}
	}
	var patience <-chan struct{}
	if verdict.Hit.Stale {
		impatient, cancel := context.WithTimeout(ctx, f.Patience)
		defer cancel()
		patience = impatient.Done()
	}
	answer, open, err := f.await(ctx, newQuery(r, t, verdict), patience)
	if err != nil || !upstream.IsAnswer(answer.Msg) {
		if reply := f.replyFromCache(r, t, verdict, finish); reply != nil {
			return reply
		}
	}
	switch {
	case err == nil:
		r.Server, r.Protocol = answer.Server, answer.Transport
		reply := f.deliver(r, t, verdict, answer)
		if open {
			return f.follow(r, t, verdict, reply, finish)
		}
		return reply
	case errors.Is(err, upstream.ErrBusy):
		return f.Overloaded(r, t, verdict)
	}
	f.Counts.Failures.Add(1)
	*verdict = decision.Refuse(dns.RcodeServerFailure, decision.SourceUpstream, "no upstream answered", decision.ExtendedError{})
	verdict.Endless = isEndless(err)
	return f.replies.Build(r, verdict, reason(err))
}

// reason is the extended error that describes a failure of all upstreams.
func reason(err error) *dns.EDNS0_EDE {
	own := &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNetworkError, ExtraText: err.Error()}
	failure := (*upstream.Failure)(nil)
	switch {
	case errors.As(err, &failure):
		own.InfoCode = failure.Code()
	case isEndless(err):
		own.InfoCode = dns.ExtendedErrorCodeInvalidData
	case errors.Is(err, ErrOverdue):
		own.InfoCode = dns.ExtendedErrorCodeNoReachableAuthority
	case errors.Is(err, context.Canceled): // usually because the server stops
		own.InfoCode, own.ExtraText = dns.ExtendedErrorCodeNoReachableAuthority, errAbandoned.Error()
	}
	return own
}

// outgoing is the query that is sent to upstreams. The AD bit requests theirs
// (RFC 6840, section 5.7).
func outgoing(r *wire.Request, trustAD bool) *dns.Msg {
	m := new(dns.Msg)
	m.Id = r.Msg.Id
	m.RecursionDesired = r.Msg.RecursionDesired
	m.CheckingDisabled = r.Msg.CheckingDisabled
	m.AuthenticatedData = trustAD
	m.Question = r.Msg.Question
	if r.OPT != nil {
		m.Extra = []dns.RR{r.OPT} // for its DO bit, and the marks of loops
	}
	return m
}

// deliver makes an upstream's answer into the reply for the client.
func (f *Forwarder) deliver(r *wire.Request, t *Targets, verdict *decision.Verdict, answer *upstream.Reply) *dns.Msg {
	if addr, rebinds := t.rebinds(answer.Msg, r.Question.Name, verdict.Site); rebinds {
		return f.blocked(r, verdict, addr, answer.Server.String())
	}
	if answer.Msg.Rcode == dns.RcodeServerFailure && len(upstream.Extended(answer.Msg)) == 0 {
		*verdict = decision.Refuse(dns.RcodeServerFailure, decision.SourceUpstream, "the upstreams failed",
			decision.ExtendedError{Code: dns.ExtendedErrorCodeNoReachableAuthority, Text: answer.Server.String() + " answered SERVFAIL and not why"})
		return f.replies.Build(r, verdict)
	}
	return f.replies.Rewrite(r, t.TrustAD, verdict, answer.Msg)
}

// blocked is the reply instead of one that would rebind a name: NODATA. An error
// would make the client ask another server, which may not protect it.
func (f *Forwarder) blocked(r *wire.Request, verdict *decision.Verdict, addr netip.Addr, by string) *dns.Msg {
	*verdict = decision.Refuse(dns.RcodeSuccess, decision.SourceUpstream, "it would point to a network that is not public",
		decision.ExtendedError{Code: dns.ExtendedErrorCodeBlocked, Text: fmt.Sprintf(
			"upstream.rebind_protection: %s answered %v; upstream.rebind_allow names the domains that may", by, addr)})
	return f.replies.Build(r, verdict)
}
