package upstream

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/retry"
)

// State is what is known about a server.
type State uint8

// The states of a server. Only those that are unknown or good are queried
// first.
const (
	// Unknown is one that has not been queried since the start or a Reset.
	Unknown State = iota
	// Good is one that answers.
	Good
	// Doubtful is one that did not answer in time; a probe decides.
	Doubtful
	// Down is one that did not answer a probe either.
	Down
	// Rejecting is one that rejects what others answer.
	Rejecting
	// Looping is one that sends our queries back to us. It is never queried,
	// except by probes.
	Looping
)

var stateNames = [...]string{"unknown", "good", "doubtful", "down", "rejecting", "looping"}

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
	maxRejections = 3 // in a row, of what another server answered
	firstBackoff  = 500 * time.Millisecond
	maxBackoff    = 30 * time.Second
	loopBackoff   = 10 * time.Second // loops are configured by people
	// unproven is after how long a server gets a chance without a probe when
	// there is no Run to send one.
	unproven = 10 * time.Second
)

// peer is a server and its state.
type peer struct {
	server Server
	token  token
	log    *slog.Logger
	wake   func() // wakes the prober; does not block

	recoveries atomic.Uint32

	mu         sync.Mutex
	state      State
	since      time.Time
	speed      estimate
	edns       ednsUse
	sampled    time.Time // when it last answered
	probeAt    time.Time // zero: now
	probing    bool
	failures   int          // probes in a row
	rejections int          // in a row
	rejected   dns.Question // the last one rejected
	reason     string       // of the last failure
	inFlight   int
	counts     Counts
}

func newPeer(server Server, log *slog.Logger, wake func()) *peer {
	p := &peer{server: server, log: log.With("server", server.String()), wake: wake, since: time.Now()}
	if !server.Transport.encrypted() && loopable(server.Addr.Addr()) {
		p.token = newToken()
	}
	return p
}

// become changes the state. The caller holds mu.
func (p *peer) become(state State) {
	if p.state != state {
		p.state, p.since = state, time.Now()
	}
}

// enter reserves a slot for a query, unless there are too many.
func (p *peer) enter(limit int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inFlight >= limit {
		p.counts.Overloads++
		return false
	}
	p.inFlight++
	p.counts.Queries++
	return true
}

func (p *peer) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
}

// answered records a reply of any kind: the server is alive, and this fast.
func (p *peer) answered(after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Replies++
	p.counts.Latency.add(after)
	p.speed.add(after)
	p.sampled = time.Now()
	switch p.state {
	case Unknown, Doubtful, Down:
		if p.state != Unknown {
			p.recoveries.Add(1)
		}
		if p.state == Down {
			p.log.Info("the upstream answers again", "after", time.Since(p.since).Round(time.Second))
		}
		p.become(Good)
		p.failures, p.reason = 0, ""
	}
}

// overtaken records that another server answered first. Until it is known
// whether this one is slow or dead, others come first.
func (p *peer) overtaken() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == Unknown || p.state == Good {
		p.become(Doubtful)
		p.probeAt = time.Now().Add(maxInterval) // the exchange that goes on shows it sooner
		p.wake()
	}
}

// failed records that there was no reply, and has the server probed at once.
func (p *peer) failed(reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Failures++
	if errors.Is(reason, errTimedOut) {
		p.counts.Timeouts++
	}
	p.reason = cause(reason).Error()
	if p.state == Unknown || p.state == Good || p.state == Doubtful {
		p.become(Doubtful)
		p.probeAt = time.Time{}
		p.wake()
	}
}

// accepted records an answer that was usable.
func (p *peer) accepted() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rejections = 0
	if p.state == Rejecting {
		p.log.Info("the upstream answers again", "after", time.Since(p.since).Round(time.Second))
		p.become(Good)
	}
}

// rejectedQuery records that another server answered what this one rejected.
func (p *peer) rejectedQuery(q dns.Question, reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Rejections++
	p.rejected = q
	if p.rejections++; p.rejections >= maxRejections && (p.state == Good || p.state == Doubtful) {
		p.reason = reason.Error()
		p.log.Info("upstream rejects queries that others answer", "reason", p.reason)
		p.become(Rejecting)
		p.failures = 0
		p.probeAt = time.Now().Add(firstBackoff)
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

// probed records the result of a probe that began then.
func (p *peer) probed(began time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probing = false
	if p.state == Looping && p.probeAt.After(began) {
		return // it came back to us, or is not due
	}
	if err == nil {
		p.become(Good)
		p.failures, p.rejections, p.reason = 0, 0, ""
		return
	}
	p.reason = cause(err).Error()
	p.probeAt = time.Now().Add(retry.Pause(p.failures+1, firstBackoff, maxBackoff))
	p.failures++
	if p.state == Unknown || p.state == Good || p.state == Doubtful {
		p.become(Down)
		p.log.Info("the upstream does not answer; others are asked first", "error", p.reason)
	}
}

// reset clears the learned state. Counts and loops stay: neither depends on the
// network.
func (p *peer) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.speed, p.edns = estimate{}, ednsUse{}
	p.failures, p.rejections, p.reason = 0, 0, ""
	p.sampled, p.probeAt = time.Time{}, time.Time{}
	p.recoveries.Add(1)
	if p.state != Looping {
		p.become(Unknown)
	}
}

// interval is how long to wait for a reply before it counts as lost.
func (p *peer) interval() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.speed.interval()
}

// hedge is after how long to query a second server too.
func (p *peer) hedge() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.speed.hedge()
}
