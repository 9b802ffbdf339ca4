package upstream

import (
	"context"
	"slices"
	"time"
)

// race is one query on its way to an answer. The servers take part in their
// order, each from when the one before it has failed or is late, so that a reply
// of the first counts before one of the second. Only one goroutine touches it:
// that of Exchange, and then the one that awaits a late reply.
type race struct {
	group   *Group
	session *session
	q       *question
	ctx     context.Context // its end is the race's
	end     func()

	rest    []*peer // not asked yet
	last    []*peer // down: asked when nobody else has replied
	parts   []*part // in the servers' order
	results chan result
	failure Failure
}

// newRace makes a race that nobody takes part in yet; nil if there is no place
// for it.
func newRace(g *Group, s *session, q *question) *race {
	pool := g.pool
	r := &race{group: g, session: s, q: q, results: make(chan result, len(g.peers))}
	var looping []*peer
	r.rest, r.last, looping = g.order(s.kept)
	for _, p := range looping {
		r.failure.note(p.server, errLooping)
	}
	patience := briefly
	if len(r.rest) > 0 {
		patience = 2 * r.rest[0].pause()
	}
	ctx, cancel := context.WithTimeoutCause(s.scope.Context(), pool.total, errTimedOut)
	place := pool.places.take(time.Now().Add(patience), cancel)
	if place == nil {
		cancel()
		return nil
	}
	r.ctx, r.end = ctx, func() {
		cancel()
		pool.places.leave(place)
	}
	return r
}

// run goes on until there is an answer to give, and returns whose it is; or nil,
// when nobody can have one any more.
func (r *race) run() *part {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		leftOut := r.group.pool.leftOut.wait() // before their states are read
		r.age(time.Now())
		r.admit(time.Now())
		winner, open := r.standing()
		if winner != nil || !open {
			return winner
		}
		timer.Reset(time.Until(r.next()))
		select {
		case <-r.ctx.Done():
			return nil
		case o := <-r.results:
			o.part.settle(r, o)
		case <-leftOut:
		case <-timer.C:
		}
	}
}

// standing returns whose answer may be given now: the first one's that has any,
// if no server before it may still be in time. open is whether there may be one
// later.
func (r *race) standing() (winner *part, open bool) {
	held := false
	for _, p := range r.parts {
		switch p.state {
		case answered:
			if !held {
				return p, true
			}
		case asking:
			held, open = true, true
		case late:
			open = true
		}
	}
	return nil, open
}

// age makes those late whose deadline has passed, and those that would be left out
// by now.
func (r *race) age(now time.Time) {
	for _, p := range r.parts {
		switch {
		case p.state != asking:
		case !now.Before(p.deadline):
			p.state = late
			if !replied(p.because(errTimedOut)) {
				p.peer.missed(errTimedOut, p.began, r.session.kept)
			}
		case !p.wasDown && p.peer.isLeftOut(r.session.kept):
			p.state = late
		}
	}
}

// admit asks the next server when it is due, and all that are down when the
// others are silent. Nobody waits for those, except among themselves.
func (r *race) admit(now time.Time) {
	for len(r.rest) > 0 && r.isDue(now) {
		p := r.rest[0]
		r.rest = r.rest[1:]
		r.start(p, asking, 2*p.pause())
	}
	mayAnswer := func(p *part) bool { return p.state == asking || p.reply != nil }
	if len(r.rest) > 0 || len(r.last) == 0 || slices.ContainsFunc(r.parts, mayAnswer) {
		return
	}
	state := late
	if len(r.parts) == 0 {
		state = asking
	}
	for _, p := range r.last {
		r.start(p, state, briefly)
	}
	r.last = nil
	rank := func(p *part) int { return slices.Index(r.group.peers, p.peer) }
	slices.SortFunc(r.parts, func(a, b *part) int { return rank(a) - rank(b) })
}

// isDue reports whether to ask the next server: when the one before it does not
// hold it back, or early, once, when that one is asked again and the budget has
// room, from which it takes.
func (r *race) isDue(now time.Time) bool {
	if len(r.parts) == 0 {
		return true
	}
	before := r.parts[len(r.parts)-1]
	if before.state == late || before.state == failed {
		return true
	}
	if before.state == answered || before.repeat.IsZero() || now.Before(before.repeat) {
		return false
	}
	before.repeat = time.Time{}
	early := r.group.pool.budget.take()
	if early {
		r.rest[0].updateCounts(func(c *Counts) { c.Hedges++ })
	}
	return early
}

// next is when something is due, if no result comes before.
func (r *race) next() time.Time {
	next := time.Now().Add(Total)
	for i, p := range r.parts {
		if p.state != asking {
			continue
		}
		if p.deadline.Before(next) {
			next = p.deadline
		}
		if i == len(r.parts)-1 && len(r.rest) > 0 && !p.repeat.IsZero() && p.repeat.Before(next) {
			next = p.repeat
		}
	}
	return next
}

// won is the end of the race with an answer, except for servers before the
// winner that are only late. Those go on, if there is somebody to wait for
// them: their answer would have counted.
func (r *race) won(winner *part) *Reply {
	reply := winner.reply
	before := r.parts[:slices.Index(r.parts, winner)]
	isLate := func(p *part) bool { return p.state == late }
	if !slices.ContainsFunc(before, isLate) {
		r.end()
		return reply
	}
	for _, p := range r.parts[len(before):] {
		p.state = failed
		p.end()
	}
	r.parts, r.rest, r.last = slices.DeleteFunc(slices.Clone(before), func(p *part) bool { return !isLate(p) }), nil, nil
	answer := make(chan *Reply, 1)
	await := func() {
		defer r.end()
		defer close(answer)
		if p := r.run(); p != nil {
			answer <- p.reply
		}
	}
	if !r.session.kept || !r.session.scope.Go(await) {
		r.end()
		close(answer)
	}
	reply.Provisional, reply.Late = true, answer
	return reply
}

// lost is the end without an answer: the best reply that is none, or else the
// failure.
func (r *race) lost() (*Reply, error) {
	defer r.end()
	var best *Reply
	for _, p := range r.parts {
		switch {
		case p.state == asking || p.state == late:
			r.failure.note(p.peer.server, p.because(errTimedOut))
		case p.reply != nil && (best == nil || informativeness(p.reply.Msg) > informativeness(best.Msg)):
			best = p.reply
		}
	}
	if best == nil {
		return nil, &r.failure
	}
	return best, nil
}
