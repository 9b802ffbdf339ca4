package forward

import (
	"context"
	"errors"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// forwardQuery asks the upstreams and caches the result.
func (f *Forwarder) forwardQuery(ctx context.Context, q *query) (*upstream.Reply, error) {
	asked := f.cache.Epoch()
	// If the state was replaced meanwhile, the epoch may be that of other
	// upstreams.
	current := f.current() == q.targets
	reply, err := q.group.Exchange(ctx, q.message)
	failure := (*upstream.Failure)(nil)
	switch {
	case !current, q.alone, !q.message.RecursionDesired:
		// Without RD a server returns what it happens to have, and to a query with
		// options what fits those.
	case err == nil:
		if _, rebinds := q.targets.rebinds(reply.Msg, q.key.Name, q.site); !rebinds {
			reply.Msg.AuthenticatedData = reply.Msg.AuthenticatedData && q.targets.TrustAD
			f.cache.Put(q.key, reply.Msg, asked, f.clock())
		}
	case errors.As(err, &failure) && ctx.Err() == nil && !failure.Overloaded():
		f.cache.Fail(q.key, reasons(err), asked, f.clock())
	}
	return reply, err
}

// replyFromCache makes the reply that a verdict has from the cache into one for
// the client. It is nil, and the upstreams are to be asked, if there is none.
func (f *Forwarder) replyFromCache(r *wire.Request, t *Targets, verdict *decision.Verdict) *dns.Msg {
	if verdict.Kind != decision.Cached && !verdict.Hit.Stale {
		return nil
	}
	m, err := verdict.Hit.Message()
	if err != nil {
		f.log.Debug("a cached reply is of no use", "error", err)
		return nil
	}
	verdict.Recall()
	return f.replies.Rewrite(r, t.TrustAD, verdict, m, wire.ExtendedOf(verdict)...)
}
