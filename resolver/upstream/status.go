package upstream

import "time"

// Counts are totals of one server since it came into use.
type Counts struct {
	Queries    uint64 // exchanges begun, probes included
	Replies    uint64 // of any kind
	Failures   uint64 // exchanges without a usable reply in time
	Timeouts   uint64 // those of them without any
	Rejections uint64 // queries rejected that another server answered
	Repeats    uint64 // queries sent since none came back in time
	Hedges     uint64 // queries sent early, since another server was slow
	Overloads  uint64 // queries not sent: too many in flight
	Loops      uint64 // queries that came back to us
	Latency    Latency
}

// Status is what is known about a server.
type Status struct {
	Server Server
	State  State
	Since  time.Time
	// Reason is why it is not good, else empty.
	Reason string
	// RTT is the smoothed time to a reply, P95 what 95 of 100 recent ones
	// keep to. 0 is not known.
	RTT, P95 time.Duration
	// EDNS is false while the server is asked without.
	EDNS     bool
	InFlight int
	Counts   Counts
}

func (p *peer) status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Status{
		Server: p.server, State: p.state, Since: p.since, Reason: p.reason,
		RTT: p.speed.smoothed, P95: p.speed.p95,
		EDNS:     !time.Now().Before(p.edns.plain),
		InFlight: p.inFlight, Counts: p.counts,
	}
}

func (p *peer) updateCounts(add func(*Counts)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	add(&p.counts)
}
