package forward

import (
	"context"
	"errors"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// forwardQuery asks the upstreams and caches the result. Where its chain is open the
// reply ends with an alias.
func (f *Forwarder) forwardQuery(ctx context.Context, q *query) (_ *upstream.Reply, open bool, _ error) {
	asked := f.cache.Epoch()
	// If the state was replaced meanwhile, the epoch may be that of other
	// upstreams.
	current := f.current() == q.targets
	reply, err := q.group.Exchange(ctx, q.message)
	if err == nil {
		open, err = f.border(q, reply.Msg)
	}
	failure := (*upstream.Failure)(nil)
	switch {
	case !current, q.alone, !q.message.RecursionDesired:
		// Without RD a server returns what it happens to have, and to a query with
		// options what fits those.
	case err == nil:
		if _, rebinds := q.targets.rebinds(reply.Msg, q.key.Name, q.site); !rebinds {
			reply.Msg.AuthenticatedData = reply.Msg.AuthenticatedData && q.targets.TrustAD
			f.keep(q, reply.Msg, open, asked)
		}
	case errors.Is(err, errLoop), errors.As(err, &failure) && ctx.Err() == nil && !failure.Overloaded():
		f.cache.Fail(q.key, reasons(err), asked, f.clock())
	}
	return reply, open, err
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
