package upstream

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/transport"
)

// part is what one server does in a race.
type part struct {
	peer     *peer
	attempt  *attempt // nil: there was no place for one
	wasDown  bool     // from the beginning
	state    partState
	began    time.Time
	repeat   time.Time // the next server may be asked early
	deadline time.Time // when it is late
	end      context.CancelFunc
	reply    *Reply // whatever it is
}

type partState uint8

const (
	asking   partState = iota // it may answer: those behind it are held back
	late                      // it may answer, and holds nobody back
	failed                    // it has no answer
	answered                  // it has one
)

// result is what a server's part comes to.
type result struct {
	part  *part
	reply *dns.Msg
	by    Transport
	err   error
}

// start has a server take part.
func (r *race) start(peer *peer, state partState, patience time.Duration) {
	now := time.Now()
	p := &part{
		peer: peer, wasDown: slices.Contains(r.last, peer), state: state,
		began: now, repeat: now.Add(patience / 2), deadline: now.Add(patience),
	}
	r.parts = append(r.parts, p)
	ctx, cancel := context.WithCancelCause(r.ctx)
	p.end = func() { cancel(errTimedOut) }
	place := peer.places.take(p.deadline, p.end)
	if place == nil {
		p.settle(r, result{err: ErrBusy})
		return
	}
	a := newAttempt(r.session, peer, r.q)
	p.attempt = a
	a.once, a.mixed = p.wasDown, r.group.options.RandomizeCase
	a.timeout = r.group.options.Timeout
	if !r.session.scope.Go(func() {
		reply, by, err := a.run(ctx)
		peer.places.leave(place)
		p.end()
		r.results <- result{p, reply, by, err}
	}) {
		peer.places.leave(place)
		p.settle(r, result{err: transport.ErrEnded})
	}
}

// because is why a part has no answer, given an error: what comes of a truncated
// reply is about that, as the server is alive.
func (p *part) because(err error) error {
	if p.attempt != nil && p.attempt.truncated.Load() && !replied(err) {
		return truncated{err}
	}
	return err
}

// settle records the result of a part.
func (p *part) settle(r *race, o result) {
	if o.err == nil {
		p.replied(o)
		return
	}
	o.err = p.because(o.err)
	switch {
	case errors.Is(o.err, ErrBusy), errors.Is(o.err, transport.ErrBusy):
		p.peer.updateCounts(func(c *Counts) { c.Overloads++ })
	case p.state == asking && r.ctx.Err() == nil && !replied(o.err) && !errors.Is(o.err, transport.ErrEnded):
		p.peer.missed(o.err, p.began, r.session.kept)
	}
	p.fail()
	r.failure.note(p.peer.server, o.err)
}

// replied records a reply. One that is no answer needs no note in the failure: it
// is itself what the race comes to, if there is no better one.
func (p *part) replied(o result) {
	p.reply = &Reply{Msg: o.reply, Server: p.peer.server, Transport: o.by}
	if IsAnswer(o.reply) {
		p.state = answered
		return
	}
	p.peer.updateCounts(func(c *Counts) { c.Rejections++ })
	p.fail()
}

func (p *part) fail() {
	p.state = failed
	p.end()
}
