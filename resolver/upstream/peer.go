package upstream

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
)

// State is what is known about a server.
type State uint8

// The states of a server. Those that are down or looping are left out.
const (
	// Unknown is one that has not answered since the start or a Reset.
	Unknown State = iota
	// Good is one that answers.
	Good
	// Doubtful is one that did not answer in time; a probe decides.
	Doubtful
	// Down is one that did not answer a probe either.
	Down
	// Looping is one that sends our queries back to us. It is never queried,
	// except by probes.
	Looping
)

var stateNames = [...]string{"unknown", "good", "doubtful", "down", "looping"}

// String returns the state's name, for people and programs.
func (s State) String() string { return stateNames[s] }

// MarshalText returns what String does.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText returns. A state of another version is
// [Unknown], so that the status that contains it can still be read.
func (s *State) UnmarshalText(text []byte) error {
	*s = State(max(slices.Index(stateNames[:], string(text)), int(Unknown)))
	return nil
}

const (
	maxMisses    = 3 // deadlines in a row, without a reply of any kind
	firstBackoff = 500 * time.Millisecond
	maxBackoff   = 30 * time.Second
	loopBackoff  = 10 * time.Second // loops are configured by people
	// untried is after how long a server gets a chance without a probe when
	// there is no Run to send one.
	untried = 10 * time.Second
)

// peer is a server and its state.
type peer struct {
	server  Server
	token   token
	log     *slog.Logger
	wake    func() // wakes the prober; does not block
	leftOut func() // wakes the races; does not block

	places     places        // for the queries that wait for it
	recoveries atomic.Uint32 // see Group.Recoveries

	mu       sync.Mutex
	state    State
	since    time.Time
	speed    estimate
	edns     ednsSupport
	sampled  time.Time // when it last answered
	probeAt  time.Time // zero: now
	probing  bool
	probed   time.Time // when the last probe began
	failures int       // probes in a row
	misses   int       // since it last answered
	broken   time.Time // when it has failed by itself since then, and not by a name; zero: not
	reason   string    // of the last failure
	counts   Counts
}

func newPeer(server Server, config Config, wake, leftOut func()) *peer {
	p := &peer{
		server: server, log: config.Logger.With("server", server.String()),
		wake: wake, leftOut: leftOut, since: time.Now(),
	}
	p.places.limit = config.PerServer
	if !server.Transport.encrypted() && loopable(server.Addr.Addr()) {
		p.token = newToken()
	}
	return p
}

// become changes the state. The caller holds mu.
func (p *peer) become(state State) {
	if p.state == state {
		return
	}
	p.state, p.since = state, time.Now()
	if state == Down || state == Looping {
		p.leftOut()
	}
}

// answered records a reply of any kind to what was sent then: the server is alive
// and, if it came in the usual way, this fast. What was sent before a failure may
// have been answered before it, too.
func (p *peer) answered(sent time.Time, usual bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	after := time.Since(sent)
	p.counts.Replies++
	p.counts.Latency.add(after)
	if usual {
		p.speed.add(after)
	}
	p.sampled = time.Now()
	if sent.Before(p.broken) {
		return
	}
	p.misses, p.failures = 0, 0
	if !p.broken.IsZero() {
		p.recovered()
	}
	switch p.state {
	case Unknown, Doubtful, Down:
		if p.state == Down {
			p.log.Info("the upstream answers again", "after", time.Since(p.since).Round(time.Second))
		}
		p.become(Good)
		p.reason = ""
	}
}

// recovered records that failures are over. The caller holds mu.
func (p *peer) recovered() {
	p.broken = time.Time{}
	p.recoveries.Add(1)
}

// missed records that there was no reply by the deadline to what was sent then, or
// an error instead. It has the server probed, as it may be the name that no server
// answers; without probes the misses alone decide.
func (p *peer) missed(reason error, sent time.Time, probed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Failures++
	if errors.Is(reason, errTimedOut) {
		p.counts.Timeouts++
	}
	if !probed && p.state == Down {
		p.since = time.Now() // a query has shown what a probe would
	}
	p.misses++
	if !probed || !errors.Is(reason, errTimedOut) {
		p.breaks(reason, sent)
	}
	p.doubt(reason)
}

// unproven records that a probe sent then was not answered by the deadline.
func (p *peer) unproven(reason error, sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.misses++
	p.breaks(reason, sent)
	p.doubt(reason)
}

// breaks records since when the server has failed by itself: silence, since what it
// does not answer was sent; an error, since now. The caller holds mu.
func (p *peer) breaks(reason error, sent time.Time) {
	since := time.Now()
	if errors.Is(reason, errTimedOut) {
		since = sent
	}
	if since.After(p.broken) {
		p.broken = since
	}
}

// doubt changes the state after a miss. The caller holds mu.
func (p *peer) doubt(reason error) {
	p.reason = cause(reason).Error()
	switch {
	case p.state == Down || p.state == Looping:
	case !p.broken.IsZero() && p.misses >= maxMisses:
		p.log.Info("the upstream does not answer; it is left out until it does", "error", p.reason)
		p.become(Down)
	case p.state != Doubtful:
		p.become(Doubtful)
		p.probeAt = p.probed.Add(p.deadline()) // names that nobody answers cause no more
		p.wake()
	}
}

// looped records that a query to this server came to us.
func (p *peer) looped() (Server, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Loops++
	if p.state != Looping {
		p.log.Warn("the upstream asks us what we ask it; it is left out until it stops: remove one of the two from the other's upstreams")
		p.reason = errLooping.Error()
		p.become(Looping)
	}
	p.probeAt = time.Now().Add(loopBackoff)
	p.wake()
	return p.server, true
}

// endProbe records the result of a probe that began then.
func (p *peer) endProbe(began time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probing = false
	switch {
	case p.state == Looping && p.probeAt.After(began): // it came back to us, or is not due
	case err != nil:
		p.probeAt = time.Now().Add(retry.Pause(p.failures+1, firstBackoff, maxBackoff))
		p.failures++
	case p.state == Looping:
		p.become(Good)
		p.reason = ""
		p.recovered()
	}
}

// reset clears what depends on the network.
func (p *peer) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.speed, p.edns = estimate{}, ednsSupport{}
	p.failures, p.misses, p.reason = 0, 0, ""
	p.sampled, p.probeAt, p.probed = time.Time{}, time.Time{}, time.Time{}
	p.recovered()
	if p.state != Looping {
		p.become(Unknown)
	}
}

// pause is after how long a query is repeated. The server is late after two.
func (p *peer) pause() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deadline() / 2
}

// deadline is after how long the server is late. A connection may have to be
// made first. The caller holds mu.
func (p *peer) deadline() time.Duration {
	if p.server.Transport != UDP {
		return max(p.speed.deadline(), unknownDeadline)
	}
	return p.speed.deadline()
}
