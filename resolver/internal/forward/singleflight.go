package forward

import (
	"context"
	"errors"
	"sync"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// query is what the upstreams are asked.
type query struct {
	targets *Targets
	group   *upstream.Group
	message *dns.Msg
	key     cache.Key
	from    decision.Verdict // where it goes; the rest is zero
	site    bool             // as in the verdict
	alone   bool             // the answer is for this query only, even if others equal it
}

func newQuery(r *wire.Request, t *Targets, verdict *decision.Verdict) *query {
	return &query{
		targets: t, group: t.Group(verdict), message: outgoing(r, t.TrustAD),
		key:  r.Question.Key(),
		from: decision.Verdict{Route: verdict.Route, Private: verdict.Private},
		site: verdict.Site, alone: r.Question.Alone,
	}
}

// callKey is what makes two queries the same.
type callKey struct {
	group      *upstream.Group
	name       string
	qtype      uint16
	rd, cd, do bool
	options    string
	alone      *query // a query that no other may wait for
}

func (q *query) callKey() callKey {
	key := callKey{group: q.group, name: string(q.key.Name), qtype: q.key.Type, rd: q.message.RecursionDesired, cd: q.key.CD, do: q.key.DO, options: string(q.key.Options)}
	// A forwarded query would wait for itself in a loop of servers.
	if q.alone || upstream.Forwarded(q.message) {
		key.alone = q
	}
	return key
}

// call is an exchange in progress, for all queries that wait for it.
type call struct {
	done  chan struct{}   // closed when the others are set
	reply *upstream.Reply // must not be changed
	open  bool            // the reply ends with an alias
	err   error
}

// callGroup has the exchanges in progress. Their number is bounded by the pool,
// that of the waiting queries by Forwarder.InFlight.
type callGroup struct {
	mu  sync.Mutex
	all map[callKey]*call
}

// join returns the call for a key. The first has to finish it.
func (g *callGroup) join(key callKey) (c *call, first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c = g.all[key]; c != nil {
		return c, false
	}
	if g.all == nil {
		g.all = map[callKey]*call{}
	}
	c = &call{done: make(chan struct{})}
	g.all[key] = c
	return c, true
}

// finish ends a call.
func (g *callGroup) finish(key callKey, c *call, reply *upstream.Reply, open bool, err error) {
	g.mu.Lock()
	delete(g.all, key)
	g.mu.Unlock()
	c.reply, c.open, c.err = reply, open, err
	close(c.done)
}

var (
	// errAbandoned is returned when the query that asked gave up, so that another
	// one has to ask.
	errAbandoned = errors.New("the query was given up")
	errImpatient = errors.New("no answer in the time that a stale one may wait")
)

// await returns the upstreams' answer, for which the caller's patience may end
// before. Concurrent identical queries share one exchange and its answer: each
// has a message of its own, whose records must not be changed.
func (f *Forwarder) await(ctx context.Context, q *query, patience <-chan struct{}) (_ *upstream.Reply, open bool, _ error) {
	key := q.callKey()
	for {
		c, first := f.calls.join(key)
		if first {
			f.start(ctx, key, c, q)
		} else {
			f.Counts.Coalesced.Add(1)
		}
		select {
		case <-c.done:
		case <-patience:
			return nil, false, errImpatient
		case <-ctx.Done():
			return nil, false, context.Cause(ctx)
		}
		switch {
		case c.err == nil:
			reply, own := *c.reply, *c.reply.Msg
			reply.Msg = &own
			return &reply, c.open, nil
		case ctx.Err() != nil || !errors.Is(c.err, errAbandoned):
			return nil, false, c.err
		}
	}
}

// start begins a call. While a server runs, the server owns it: other queries
// may still wait for it after the first has given up. Otherwise it has ended on
// return.
func (f *Forwarder) start(ctx context.Context, key callKey, c *call, q *query) {
	scope := f.scope.Load()
	if scope == nil || !scope.Go(func() { f.run(scope.Context(), key, c, q) }) {
		f.run(ctx, key, c, q)
	}
}

// run performs a call from start to finish.
func (f *Forwarder) run(ctx context.Context, key callKey, c *call, q *query) {
	reply, open, err := f.forwardQuery(ctx, q)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(errAbandoned, err)
	}
	f.calls.finish(key, c, reply, open, err)
}

// prefetch asks again for what is about to expire in the cache. Nothing waits
// for it, so without a Scope it does nothing.
func (f *Forwarder) prefetch(r *wire.Request, t *Targets, verdict *decision.Verdict) {
	if r.Offline {
		verdict.Hit.Decline()
		return
	}
	scope := f.scope.Load()
	if scope == nil {
		return
	}
	q := newQuery(r, t, verdict)
	key := q.callKey()
	c, first := f.calls.join(key)
	if first && !scope.Go(func() { f.run(scope.Context(), key, c, q) }) {
		f.calls.finish(key, c, nil, false, errAbandoned)
	}
}
