package forward

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/transport"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Config of a Forwarder. All of it has to be set.
type Config struct {
	Replies  *wire.Replies
	Cache    *cache.Cache
	Current  func() *Targets // the newest
	View     func(*Targets) decision.View
	Clock    func() time.Duration
	Logger   *slog.Logger
	InFlight int // queries that may wait for upstreams
}

// Forwarder makes verdicts into replies, and asks the upstreams where needed.
// All its methods may be called concurrently.
type Forwarder struct {
	// Counts of what happened.
	Counts Counts
	// InFlight are the queries that wait for upstreams.
	InFlight Limit
	// Patience is how long a client waits before it gets a stale answer. It must
	// not be changed once queries come.
	Patience time.Duration

	replies *wire.Replies
	cache   *cache.Cache
	current func() *Targets
	view    func(*Targets) decision.View
	clock   func() time.Duration
	log     *slog.Logger
	calls   callGroup
	scope   atomic.Pointer[transport.Scope] // of the server that runs; nil without
}

// Counts of a Forwarder.
type Counts struct {
	Overloads atomic.Uint64 // refused because too many were in flight
	Failures  atomic.Uint64 // no upstream answered
	Coalesced atomic.Uint64 // waited for what another query asked
}

// New returns a Forwarder that runs in its callers' goroutines.
func New(config Config) *Forwarder {
	return &Forwarder{
		InFlight: make(Limit, config.InFlight),
		Patience: StalePatience,
		replies:  config.Replies, cache: config.Cache, current: config.Current, view: config.View,
		clock: config.Clock, log: config.Logger,
	}
}

// UseScope makes exchanges run in a scope, so that they outlive the query that
// began them; nil: in their callers' goroutines.
func (f *Forwarder) UseScope(scope *transport.Scope) { f.scope.Store(scope) }

// HasScope reports whether exchanges outlive the query that began them.
func (f *Forwarder) HasScope() bool { return f.scope.Load() != nil }

// Reply makes a verdict into a reply, or returns nil if upstreams are to be asked
// now: those of the verdict, or those that its aliases lead to.
func (f *Forwarder) Reply(r *wire.Request, t *Targets, verdict *decision.Verdict) *dns.Msg {
	switch verdict.Kind {
	case decision.Forward:
		return nil
	case decision.Cached:
		if verdict.Hit.Prefetch {
			f.prefetch(r, t, verdict)
		}
		return f.replyFromCache(r, t, verdict, f.atOnce(t))
	}
	return f.replies.Build(r, verdict)
}

// atOnce finishes what needs no upstream.
func (f *Forwarder) atOnce(t *Targets) finish {
	return func(r *wire.Request, verdict *decision.Verdict) *dns.Msg { return f.Reply(r, t, verdict) }
}

// Finish makes a verdict into a reply. It waits for upstreams where needed, for
// up to MaxWait; for a request that is Offline it then returns nil.
func (f *Forwarder) Finish(ctx context.Context, r *wire.Request, t *Targets, verdict *decision.Verdict) *dns.Msg {
	reply := f.Reply(r, t, verdict)
	switch {
	case reply != nil, r.Offline:
		return reply
	case f.InFlight.Enter():
		defer f.InFlight.Leave()
		return f.Forward(ctx, r, t, verdict)
	}
	return f.Overloaded(r, t, verdict)
}

// Overloaded answers a query beyond the limit: with a stale reply, if there is
// one.
func (f *Forwarder) Overloaded(r *wire.Request, t *Targets, verdict *decision.Verdict) *dns.Msg {
	f.Counts.Overloads.Add(1)
	if reply := f.replyFromCache(r, t, verdict, f.atOnce(t)); reply != nil {
		return reply
	}
	*verdict = decision.Refuse(dns.RcodeServerFailure, decision.SourceUpstream, "too many queries in flight",
		decision.ExtendedError{Code: dns.ExtendedErrorCodeNetworkError, Text: "too many queries are waiting for upstreams"})
	return f.replies.Build(r, verdict)
}

// LoopDetected refuses a query that came back to us.
func LoopDetected(through upstream.Server) decision.Verdict {
	text := "the query has gone through too many servers that forward to each other"
	if through != (upstream.Server{}) {
		text = "the query came back to us through " + through.String()
	}
	return decision.Refuse(dns.RcodeRefused, decision.SourceRequest, "a query of ours that came back",
		decision.ExtendedError{Code: dns.ExtendedErrorCodeNetworkError, Text: text})
}

// Limit bounds what is done concurrently. It holds one element for each.
type Limit chan struct{}

// Enter takes one of the places, and reports whether there was one.
func (l Limit) Enter() bool {
	select {
	case l <- struct{}{}:
		return true
	default:
		return false
	}
}

// Leave gives it back.
func (l Limit) Leave() { <-l }
