package upstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// ErrBusy means that too many queries are in flight.
var ErrBusy = errors.New("too many queries are waiting for upstreams")

// Group is a list of servers any of which may answer. It may be used
// concurrently.
type Group struct {
	pool    *Pool
	options Options
	peers   []*peer // in the order in which they were given
	rotates bool
}

// Reply is an answer and the server that gave it.
type Reply struct {
	// Msg has the ID and the question of the query. All else is the server's:
	// its flags, AD among them, its OPT and its TTLs, which may have the top
	// bit set.
	Msg    *dns.Msg
	Server Server
	// Transport is how the reply came: of a server for UDP over TCP, if it did not
	// fit.
	Transport Transport
	// Provisional means that an earlier server of the list has not answered in
	// time and not failed either. Its answer would count, and may be another: this
	// one should be kept for seconds only.
	Provisional bool
	// Late delivers the earlier server's answer to a provisional reply, if one
	// comes, and is closed then or when none will. It is nil for other replies.
	Late <-chan *Reply
}

// Servers returns those that may be queried, in the order given.
func (g *Group) Servers() []Server {
	servers := make([]Server, len(g.peers))
	for i, p := range g.peers {
		servers[i] = p.server
	}
	return servers
}

// Recoveries is a number that changes when a failure of transport, see
// [Failure.Transport], may be over: when one of the servers that had failed so
// answers anything, when the route to one changes, and by Reset.
func (g *Group) Recoveries() (n uint32) {
	for _, p := range g.peers {
		n += p.recoveries.Load()
	}
	return n
}

// Rotated returns a Group of the same servers that begins each query with
// another of them, as "options rotate" of resolv.conf(5) demands.
func (g *Group) Rotated() *Group {
	rotated := *g
	rotated.rotates = true
	return &rotated
}

// Order returns the status of the servers, in the order in which they would be
// queried now. Those that are looping are last, and not queried at all.
func (g *Group) Order() []Status {
	usable, down, looping := g.order(g.pool.running())
	statuses := make([]Status, 0, len(g.peers))
	for _, p := range slices.Concat(usable, down, looping) {
		statuses = append(statuses, p.status())
	}
	return statuses
}

// Exchange queries one server after another, in their order, until one has an
// answer, for at most Total. Of the query, which has to have one question, only
// that is passed on, with RD, CD, AD and DO, the options that [PassedOn]
// returns, and the marks that reveal a loop.
//
// An answer of a later server is held back while an earlier one may still be in
// time. If all replies are none, such as SERVFAIL, the result is the most
// informative one. If there is no reply the error is a *Failure; it is
// ErrNoServers or ErrBusy, at once, if no server was queried.
func (g *Group) Exchange(ctx context.Context, query *dns.Msg) (*Reply, error) {
	if len(g.peers) == 0 {
		return nil, ErrNoServers
	}
	q, err := newQuestion(query)
	if err != nil {
		return nil, err
	}
	p := g.pool
	if p.idle() >= idleAfter {
		defer p.wake()
	}
	p.touch()
	s, done := p.current(ctx)
	defer done()
	r := newRace(g, s, q)
	if r == nil {
		return nil, ErrBusy
	}
	defer context.AfterFunc(ctx, r.end)()
	p.budget.earn()
	if winner := r.run(); winner != nil {
		return r.won(winner), nil
	}
	return r.lost()
}

// order returns the servers to query, in this order, and those to query only if
// nothing else is left. Those that are looping must not be queried.
func (g *Group) order(probed bool) (usable, down, looping []*peer) {
	for _, p := range g.peers {
		switch p.effectiveState(probed) {
		case Down:
			down = append(down, p)
		case Looping:
			looping = append(looping, p)
		default:
			usable = append(usable, p)
		}
	}
	if n := len(usable); g.rotates && n > 1 {
		first := rand.IntN(n)
		usable = slices.Concat(usable[first:], usable[:first])
	}
	return usable, down, looping
}

// effectiveState is the state, except for one down for so long that no probe is
// going to resolve it.
func (p *peer) effectiveState(probed bool) State {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !probed && p.state == Down && time.Since(p.since) >= untried {
		return Unknown
	}
	return p.state
}

// isLeftOut reports whether a query that began now would not wait for the server.
func (p *peer) isLeftOut(probed bool) bool {
	state := p.effectiveState(probed)
	return state == Down || state == Looping
}
