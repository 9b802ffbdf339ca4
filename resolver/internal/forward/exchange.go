package forward

import (
	"context"
	"errors"
	"slices"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// exchange is one query to the upstreams, and when it began.
type exchange struct {
	*query
	asked      cache.Epoch
	recoveries uint32
	// cacheable is set if others may get the result. Without RD a server returns
	// what it happens to have; and if the state was replaced meanwhile, the epoch
	// may be that of other upstreams.
	cacheable bool
}

// forwardQuery asks the upstreams and caches the result. Where its chain is open the
// reply ends with an alias.
func (f *Forwarder) forwardQuery(ctx context.Context, q *query) (_ *upstream.Reply, open bool, _ error) {
	x := &exchange{query: q, asked: f.cache.Epoch(), recoveries: q.group.Recoveries()}
	x.cacheable = !q.alone && q.message.RecursionDesired && f.current() == q.targets
	reply, err := q.group.Exchange(ctx, q.message)
	if err != nil {
		if failure := (*upstream.Failure)(nil); errors.As(err, &failure) && ctx.Err() == nil {
			f.keepFailure(x, failure)
		}
		return nil, false, err
	}
	open, err = f.keep(x, reply)
	if scope := f.scope.Load(); reply.Late != nil && scope != nil {
		scope.Go(func() { f.awaitLate(scope.Context(), x, reply.Late) })
	}
	return reply, open, err
}

// keep makes of a reply what its clients share, with the TTLs that the cache has
// for later ones, and caches it. See border for the results.
func (f *Forwarder) keep(x *exchange, reply *upstream.Reply) (open bool, err error) {
	m := reply.Msg
	if open, err = f.border(x.query, m); err != nil {
		f.fail(x, cache.Failure{Rcode: dns.RcodeServerFailure, Extended: []*dns.EDNS0_EDE{reason(err)}, Endless: isEndless(err)})
		return open, err
	}
	m.AuthenticatedData = m.AuthenticatedData && x.targets.TrustAD
	cache.Settle(m, x.key.Type, reply.Provisional)
	if _, rebinds := x.targets.rebinds(m, x.key.Name, x.site); rebinds || !x.cacheable {
		return open, nil
	}
	if !upstream.IsAnswer(m) {
		f.fail(x, cache.Failure{Rcode: m.Rcode, Extended: upstream.Extended(m)})
		return open, nil
	}
	var traits cache.Traits
	if open {
		traits |= cache.Open
	}
	if reply.Provisional {
		traits |= cache.Provisional
	}
	f.cache.Put(x.key, m, traits, x.asked, f.clock())
	return open, nil
}

// awaitLate replaces a provisional reply by that of the server that was late.
func (f *Forwarder) awaitLate(ctx context.Context, x *exchange, late <-chan *upstream.Reply) {
	select {
	case reply, came := <-late:
		if came {
			_, _ = f.keep(x, reply) // no query waits for it
		}
	case <-ctx.Done():
	}
}

// keepFailure caches that no upstream had a usable answer. Where none said
// anything, it is over when one is back. While all are known to be down it is not
// kept for longer each time: a query then costs them one datagram and shows that
// they are back, be it between two probes.
func (f *Forwarder) keepFailure(x *exchange, failure *upstream.Failure) {
	if failure.Overloaded() {
		return
	}
	kept := cache.Failure{Rcode: dns.RcodeServerFailure, Extended: []*dns.EDNS0_EDE{reason(failure)}}
	if group, recoveries := x.group, x.recoveries; failure.Transport() {
		kept.Brief = !slices.ContainsFunc(group.Order(), func(s upstream.Status) bool { return s.State != upstream.Down })
		kept.Over = func() bool { return group.Recoveries() != recoveries }
	}
	f.fail(x, kept)
}

func (f *Forwarder) fail(x *exchange, failure cache.Failure) {
	if x.cacheable {
		f.cache.Fail(x.key, failure, x.asked, f.clock())
	}
}

// replyFromCache makes the reply that a verdict has from the cache into one for
// the client. It is nil, and the upstreams are to be asked, if there is none, or no
// way to finish it.
func (f *Forwarder) replyFromCache(r *wire.Request, t *Targets, verdict *decision.Verdict, finish finish) *dns.Msg {
	if verdict.Kind != decision.Cached && !verdict.Hit.Stale {
		return nil
	}
	m, err := verdict.Hit.Message()
	if err != nil {
		f.log.Debug("a cached reply is of no use", "error", err)
		return nil
	}
	verdict.Recall()
	reply := f.replies.Rewrite(r, t.TrustAD, verdict, m, wire.ExtendedOf(verdict)...)
	if verdict.Hit.Open {
		return f.follow(r, t, verdict, reply, finish)
	}
	return reply
}
