package upstream

import (
	"context"
	"errors"
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

// Order returns the status of the servers, in the order in which they would be
// queried now. Those that are looping are last, and not queried at all.
func (g *Group) Order() []Status {
	good, bad, looping := g.order(g.pool.running())
	statuses := make([]Status, 0, len(g.peers))
	for _, p := range slices.Concat(good, bad, looping) {
		statuses = append(statuses, p.status())
	}
	return statuses
}

// Exchange queries one server after another, or several, until one has a usable
// answer, for at most Total. Of the query, which has to have one question, only
// that is passed on, with RD, CD, AD and DO, the options that [PassedOn]
// returns, and the marks that reveal a loop.
//
// If servers answer and all of them with an error, such as SERVFAIL, the reply
// is the most informative one of them. If none answers the error is a *Failure.
// It is ErrNoServers or ErrBusy, at once, if no server was queried.
func (g *Group) Exchange(ctx context.Context, query *dns.Msg) (*Reply, error) {
	if len(g.peers) == 0 {
		return nil, ErrNoServers
	}
	p := g.pool
	select {
	case p.inFlight <- struct{}{}:
		defer func() { <-p.inFlight }()
	default:
		return nil, ErrBusy
	}
	q, err := newQuestion(query)
	if err != nil {
		return nil, err
	}
	if p.idle() >= idleAfter {
		defer p.wake()
	}
	p.touch()
	p.budget.earn()
	ctx, cancel := context.WithTimeout(ctx, p.total)
	defer cancel()
	s, done := p.current(ctx)
	defer done()
	return newRace(g, s, q).run(ctx)
}

// order returns the servers to query first, the best one in front, and those to
// query when all else fails. Those that are looping must not be queried.
func (g *Group) order(probed bool) (good, bad, looping []*peer) {
	for _, p := range g.peers {
		switch p.effectiveState(probed) {
		case Unknown, Good:
			good = append(good, p)
		case Looping:
			looping = append(looping, p)
		default:
			bad = append(bad, p)
		}
	}
	return byRank(good), bad, looping
}

// effectiveState is the state, except for one doubtful for so long that no
// probe is going to resolve it.
func (p *peer) effectiveState(probed bool) State {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !probed && p.state != Looping && time.Since(p.since) >= unproven {
		return Unknown
	}
	return p.state
}

// byRank puts the fastest server first, but keeps the given order among those
// that are about as fast: an administrator had reasons for it.
func byRank(peers []*peer) []*peer {
	if len(peers) < 2 {
		return peers
	}
	times := make([]time.Duration, len(peers)) // -1: not known
	best := time.Duration(-1)
	for i, p := range peers {
		times[i] = p.smoothed()
		if times[i] >= 0 && (best < 0 || times[i] < best) {
			best = times[i]
		}
	}
	const slack = 10 * time.Millisecond
	ranked := make([]*peer, 0, len(peers))
	var slower []*peer
	for i, p := range peers {
		if times[i] <= 2*best+slack || best < 0 {
			ranked = append(ranked, p)
		} else {
			slower = append(slower, p)
		}
	}
	return append(ranked, slower...)
}

// smoothed is the smoothed time to a reply, or -1.
func (p *peer) smoothed() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.speed.samples == 0 {
		return -1
	}
	return p.speed.smoothed
}
