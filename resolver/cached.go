package resolver

import (
	"context"
	"errors"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// exchange asks the upstreams and keeps in the cache what came of it.
func (s *Server) exchange(ctx context.Context, x *exchange) (*upstream.Reply, error) {
	asked := s.cache.Epoch()
	// With another state meanwhile, the epoch may be that of other upstreams.
	current := s.state.Load() == x.state
	reply, err := x.group.Exchange(ctx, x.query)
	failure := (*upstream.Failure)(nil)
	switch {
	case !current, x.alone, !x.query.RecursionDesired:
		// Without RD a server tells what it happens to know, and to a query
		// with options what fits those.
	case err == nil:
		if _, rebinds := x.state.rebinds(reply.Msg, x.key.Name, x.site); !rebinds {
			reply.Msg.AuthenticatedData = reply.Msg.AuthenticatedData && x.state.settings.Upstreams.TrustAD
			s.cache.Put(x.key, reply.Msg, asked, s.clock())
		}
	case errors.As(err, &failure) && ctx.Err() == nil && !failure.Overloaded():
		s.cache.Fail(x.key, reasons(err), asked, s.clock())
	}
	return reply, err
}

// recall makes the reply that a verdict has from the cache into one for the
// client. It is nil, and the upstreams are to be asked, if there is none.
func (s *Server) recall(r *request, st *state, verdict *decision.Verdict) *dns.Msg {
	if verdict.Kind != decision.Cached && !verdict.Hit.Stale {
		return nil
	}
	m, err := verdict.Hit.Message()
	if err != nil {
		s.log.Debug("a cached reply is of no use", "error", err)
		return nil
	}
	verdict.Recall()
	return s.relay(r, st, verdict, m, extendedOf(verdict)...)
}
