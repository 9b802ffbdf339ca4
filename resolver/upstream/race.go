package upstream

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/transport"
)

// maxAttempts bounds the queries sent for one.
const maxAttempts = 12

// race is one query on its way to an answer. Attempts are added to it, each
// with a server of its own or a repeated one, until one of them has a usable
// reply. Only the goroutine of run touches it.
type race struct {
	group   *Group
	session *session
	q       *question
	results chan outcome // has room for all

	good     []*peer
	plan     []*peer // which to query next
	pending  []*attempt
	started  int
	pace     time.Duration // until the next attempt if there is no result
	hedge    bool          // that attempt is only to reduce latency
	failure  Failure
	rejected []outcome
}

// attempt is one exchange with one server.
type attempt struct {
	peer     *peer
	began    time.Time
	patience time.Duration // after which silence counts as loss
	cancel   context.CancelFunc
}

// outcome is the result of an attempt.
type outcome struct {
	*attempt
	reply *dns.Msg
	by    Transport
	err   error
}

func (o outcome) asReply() *Reply {
	return &Reply{Msg: o.reply, Server: o.peer.server, Transport: o.by}
}

func newRace(g *Group, s *session, q *question) *race {
	good, bad, looping := g.order(s.kept)
	r := &race{group: g, session: s, q: q, results: make(chan outcome, maxAttempts), good: good, plan: plan(good, bad)}
	for _, p := range looping {
		r.failure.note(p.server, errLooping)
	}
	return r
}

// plan returns which servers to query, and which again: good ones twice before
// others are tried, as a lost packet is more frequent than a failed server.
func plan(good, bad []*peer) (plan []*peer) {
	round := slices.Concat(good, bad)
	plan = slices.Concat(good, good, bad)
	for len(round) > 0 && len(plan) < maxAttempts {
		plan = append(plan, round...)
	}
	return plan
}

// run goes on until there is an answer, no server is left to query, or ctx
// ends.
func (r *race) run(ctx context.Context) (*Reply, error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	r.next(timer)
	for len(r.pending) > 0 {
		select {
		case <-ctx.Done():
			r.abandon()
			return r.lost()
		case o := <-r.results:
			r.pending = slices.DeleteFunc(r.pending, func(a *attempt) bool { return a == o.attempt })
			if o.err == nil && !rejected(o.reply.Rcode) {
				return r.won(o), nil
			}
			r.note(o)
			r.next(timer)
		case <-timer.C:
			r.late(timer)
		}
	}
	return r.lost()
}

// late queries another server since there was no result in time.
func (r *race) late(timer *time.Timer) {
	first := r.pending[0]
	switch {
	case !r.hedge:
		r.next(timer)
	case r.group.pool.budget.take():
		r.next(timer)
	default: // not yet, then
		r.hedge = false
		timer.Reset(max(0, first.patience-time.Since(first.began)))
	}
}

// next begins another attempt, if there is one to make, and sets the timer for
// the one after it.
func (r *race) next(timer *time.Timer) {
	for r.started < maxAttempts {
		i := slices.IndexFunc(r.plan, r.mayStart)
		if i < 0 {
			return
		}
		p := r.plan[i]
		r.plan = slices.Delete(r.plan, i, i+1)
		if err := r.start(p); err != nil {
			r.drop(p, err)
			continue
		}
		r.setPace(p)
		timer.Reset(r.pace)
		return
	}
}

// mayStart reports whether to query a server now. A connection loses nothing,
// so repeating a query over one is useless.
func (r *race) mayStart(p *peer) bool {
	return p.server.Transport == UDP || !r.isPending(p)
}

func (r *race) isPending(p *peer) bool {
	return slices.ContainsFunc(r.pending, func(a *attempt) bool { return a.peer == p })
}

// setPace sets when the next attempt is due after one has begun. The second is
// due early, if it goes to a good server; the next when the first one's reply
// must be lost, and the others later each time.
func (r *race) setPace(p *peer) {
	first := r.pending[0]
	hedged := r.hedge
	r.hedge = false
	switch {
	case len(r.pending) == 1:
		r.pace = first.patience
		i := slices.IndexFunc(r.plan, r.mayStart)
		if early := p.hedge(); i >= 0 && slices.Contains(r.good, r.plan[i]) && early < r.pace {
			r.pace, r.hedge = early, true
		}
	case hedged:
		r.pace = max(first.patience-time.Since(first.began), r.pace)
	default:
		r.pace = min(2*max(r.pace, minInterval), maxInterval)
	}
}

// start sends the query to a server.
func (r *race) start(p *peer) error {
	pool := r.group.pool
	if !p.enter(pool.config.PerServer) {
		return ErrBusy
	}
	c := choices{mixed: r.group.options.RandomizeCase}
	switch {
	case r.isPending(p):
		// Silence may be due to EDNS. With DO the answer would lack what was
		// requested.
		c.plain = !r.q.do && p.doubtsEDNS()
		p.updateCounts(func(c *Counts) { c.Repeats++ })
	case r.hedge && len(r.pending) > 0:
		p.updateCounts(func(c *Counts) { c.Hedges++ })
	}
	ctx, cancel := context.WithTimeoutCause(r.session.scope.Context(), r.group.options.Timeout, errTimedOut)
	a := &attempt{peer: p, began: time.Now(), patience: p.interval(), cancel: cancel}
	if !r.session.scope.Go(func() { a.exchange(ctx, r, c) }) {
		cancel()
		p.leave()
		return transport.ErrEnded
	}
	r.started++
	r.pending = append(r.pending, a)
	return nil
}

// exchange queries the server. What that shows about the server is recorded
// even when the race is over.
func (a *attempt) exchange(ctx context.Context, r *race, c choices) {
	defer a.cancel()
	reply, by, err := r.session.queryServer(ctx, a.peer, r.q, c)
	after := time.Since(a.began)
	a.peer.leave()
	switch {
	case err == nil:
		a.peer.answered(after)
	case errors.Is(err, transport.ErrBusy):
		a.peer.updateCounts(func(c *Counts) { c.Overloads++ })
	case ctx.Err() == nil:
		a.peer.failed(err)
	case after >= a.patience:
		a.peer.failed(errTimedOut) // the race may have been over before
	}
	r.results <- outcome{a, reply, by, err}
}

// note records the result of a failed attempt. A server that was not just
// silent is not queried again: its answer would be the same.
func (r *race) note(o outcome) {
	if o.err == nil {
		r.rejected = append(r.rejected, o)
		r.drop(o.peer, rejection{o.reply})
		return
	}
	r.failure.note(o.peer.server, o.err)
	if !errors.Is(o.err, errTimedOut) {
		r.drop(o.peer, o.err)
	}
}

func (r *race) drop(p *peer, err error) {
	r.failure.note(p.server, err)
	r.plan = slices.DeleteFunc(r.plan, func(other *peer) bool { return other == p })
}

// won ends the race with an answer. Servers that were queried before and have
// not answered are overtaken; to measure how slow they are, they get the rest
// of the time that they usually need.
func (r *race) won(winner outcome) *Reply {
	winner.peer.accepted()
	for _, o := range r.rejected {
		o.peer.rejectedQuery(r.q.asked, rejection{o.reply})
	}
	for _, a := range r.pending {
		if a.peer != winner.peer && a.began.Before(winner.began) {
			a.peer.overtaken()
		}
		rest := a.patience - time.Since(a.began)
		if r.session.kept && rest > 0 && a.peer != winner.peer {
			time.AfterFunc(rest, a.cancel)
		} else {
			a.cancel()
		}
	}
	return winner.asReply()
}

// abandon ends the attempts that have not.
func (r *race) abandon() {
	for _, a := range r.pending {
		r.failure.note(a.peer.server, errTimedOut)
		a.cancel()
	}
}

// lost is the end without an answer: the best reply of those that rejected the
// query, or else the failure.
func (r *race) lost() (*Reply, error) {
	if len(r.rejected) == 0 {
		return nil, &r.failure
	}
	best := slices.MaxFunc(r.rejected, func(a, b outcome) int { return informativeness(a.reply) - informativeness(b.reply) })
	return best.asReply(), nil
}

// informativeness is how much a reply with an error helps a client: most if it gives
// a reason, more if it is about the name than about the server.
func informativeness(reply *dns.Msg) int {
	n := 0
	if len(Extended(reply)) > 0 {
		n += 2
	}
	if reply.Rcode == dns.RcodeServerFailure {
		n++
	}
	return n
}

// rejected reports whether another server should be queried after such an
// answer. A code that needs EDNS concerns the exchange and not the name.
func rejected(rcode int) bool {
	return rcode == dns.RcodeServerFailure || rcode == dns.RcodeRefused ||
		rcode == dns.RcodeNotImplemented || rcode > 0xf
}
