package resolver

import (
	"context"
	"errors"
	"sync"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// exchange is what the upstreams are asked.
type exchange struct {
	state *state
	group *upstream.Group
	query *dns.Msg
	key   cache.Key
	site  bool // as in the verdict
	alone bool // the answer is for this query only
}

func newExchange(r *request, st *state, verdict *decision.Verdict) *exchange {
	x := &exchange{
		state: st, group: st.servers, query: r.outgoing(st),
		key:  cache.Key{Name: r.question.Name, Type: r.question.Type, DO: r.question.DO, CD: r.question.CD},
		site: verdict.Site, alone: r.question.Alone,
	}
	switch {
	case verdict.Route != 0:
		x.group = st.routed[verdict.Route-1]
	case verdict.Private:
		x.group = st.private
	}
	return x
}

// flightKey is what makes two exchanges the same.
type flightKey struct {
	group      *upstream.Group
	name       string
	qtype      uint16
	rd, cd, do bool
	alone      *exchange // one that nobody else may wait for
}

func (x *exchange) flightKey() flightKey {
	key := flightKey{group: x.group, name: string(x.key.Name), qtype: x.key.Type, rd: x.query.RecursionDesired, cd: x.key.CD, do: x.key.DO}
	// What has been forwarded would wait for itself in a circle of servers.
	if x.alone || upstream.Forwarded(x.query) {
		key.alone = x
	}
	return key
}

// flight is an exchange that is going on, for all who wait for its end.
type flight struct {
	done  chan struct{}   // closed when the others are set
	reply *upstream.Reply // not to be changed
	err   error
}

// flights are the exchanges that are going on. Their number is bounded by the
// pool, that of those who wait by Server.inFlight.
type flights struct {
	mu  sync.Mutex
	all map[flightKey]*flight
}

// join returns the flight for a key. Who is its first has to land it.
func (f *flights) join(key flightKey) (joined *flight, first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if joined = f.all[key]; joined != nil {
		return joined, false
	}
	if f.all == nil {
		f.all = map[flightKey]*flight{}
	}
	joined = &flight{done: make(chan struct{})}
	f.all[key] = joined
	return joined, true
}

// land ends a flight.
func (f *flights) land(key flightKey, landed *flight, reply *upstream.Reply, err error) {
	f.mu.Lock()
	delete(f.all, key)
	f.mu.Unlock()
	landed.reply, landed.err = reply, err
	close(landed.done)
}

var (
	// errAbandoned is that who asked gave up, so that another one has to ask.
	errAbandoned = errors.New("the query was given up")
	errImpatient = errors.New("no answer in the time that a stale one may wait")
)

// ask returns the upstreams' answer, a copy of its own for each caller, who may
// be out of patience before. One exchange is for all who ask the same at a time.
func (s *Server) ask(ctx context.Context, x *exchange, patience <-chan struct{}) (*upstream.Reply, error) {
	key := x.flightKey()
	for {
		joined, first := s.flights.join(key)
		if first {
			s.depart(ctx, key, joined, x)
		} else {
			s.counters.coalesced.Add(1)
		}
		select {
		case <-joined.done:
		case <-patience:
			return nil, errImpatient
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		switch {
		case joined.err == nil:
			reply := *joined.reply
			reply.Msg = reply.Msg.Copy()
			return &reply, nil
		case ctx.Err() != nil || !errors.Is(joined.err, errAbandoned):
			return nil, joined.err
		}
	}
}

// depart begins a flight. While Run runs, that owns it: others may wait for it
// when the first does not any more. Without, it has ended on return.
func (s *Server) depart(ctx context.Context, key flightKey, departing *flight, x *exchange) {
	scope := s.scope.Load()
	if scope == nil || !scope.Go(func() { s.fly(scope.Context(), key, departing, x) }) {
		s.fly(ctx, key, departing, x)
	}
}

// fly is a flight from its beginning to its end.
func (s *Server) fly(ctx context.Context, key flightKey, flying *flight, x *exchange) {
	reply, err := s.exchange(ctx, x)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(errAbandoned, err)
	}
	s.flights.land(key, flying, reply, err)
}

// prefetch asks for what is about to expire in the cache. Nobody waits for it,
// so without Run it is not done.
func (s *Server) prefetch(r *request, st *state, verdict *decision.Verdict) {
	scope := s.scope.Load()
	if scope == nil {
		return
	}
	x := newExchange(r, st, verdict)
	key := x.flightKey()
	departing, first := s.flights.join(key)
	if first && !scope.Go(func() { s.fly(scope.Context(), key, departing, x) }) {
		s.flights.land(key, departing, nil, errAbandoned)
	}
}
