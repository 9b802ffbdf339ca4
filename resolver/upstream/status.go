package upstream

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"time"
)

// Counts are totals of one server since it came into use.
type Counts struct {
	Queries    uint64  `json:"queries"`  // sent, repeated ones and probes included
	Replies    uint64  `json:"-"`        // of any kind
	Failures   uint64  `json:"failures"` // queries without a reply in time
	Timeouts   uint64  `json:"-"`        // those of them without any
	Rejections uint64  `json:"-"`        // replies that are no answer
	Repeats    uint64  `json:"-"`        // queries sent again since no reply came in time
	Hedges     uint64  `json:"-"`        // queries sent early, since another server was slow
	Overloads  uint64  `json:"-"`        // queries not sent: too many in flight
	Loops      uint64  `json:"-"`        // queries that came back to us
	Latency    Latency `json:"-"`
}

// Status is what is known about a server.
type Status struct {
	// Server is its text, which need not be one that [ParseServer] accepts:
	// resolv.conf may have a link-local address without an interface.
	Server   string         `json:"server"`
	Addr     netip.AddrPort `json:"-"`
	Protocol string         `json:"protocol"` // udp, tcp, tls or https
	// General is whether it is queried for names that no route matches, and
	// Routes are the domains that a route sends to it. A [Pool] leaves all of that
	// to its user, which has the routes.
	General bool     `json:"general"`
	Routes  []string `json:"routes"`
	// Searched are those of Routes that are domains of the search list, and not
	// configured.
	Searched []string `json:"searched,omitempty"`
	State    State    `json:"state"`
	// Since is when it came into that state.
	Since time.Time `json:"since"`
	// Reason is why it is not good, else empty.
	Reason string `json:"reason"`
	// RTT is the smoothed time to a reply, P95 what 95 of 100 recent ones
	// keep to. 0 is not known.
	RTT Milliseconds `json:"rtt_ms"`
	P95 Milliseconds `json:"p95_ms"`
	// EDNS is false while the server is queried without, since it answers
	// nothing else.
	EDNS     bool `json:"edns"`
	InFlight int  `json:"in_flight"`
	Counts
}

// NewStatus returns that of a server of which nothing is known.
func NewStatus(server Server) Status {
	return Status{Server: server.String(), Addr: server.Addr, Protocol: server.Transport.String(), Routes: []string{}}
}

func (p *peer) status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := NewStatus(p.server)
	s.State, s.Since, s.Reason = p.state, p.since.UTC().Truncate(time.Millisecond), p.reason
	s.RTT, s.P95 = Milliseconds(p.speed.smoothed), Milliseconds(p.speed.p95)
	s.EDNS = p.edns.current() < noEDNS
	s.InFlight, s.Counts = p.places.count(), p.counts
	return s
}

func (p *peer) updateCounts(add func(*Counts)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	add(&p.counts)
}

// Milliseconds is a duration that is a number of milliseconds in JSON, exact to
// the microsecond.
type Milliseconds time.Duration

// String has three digits and the unit.
func (m Milliseconds) String() string { return fmt.Sprintf("%.3gms", m.float()) }

// MarshalJSON implements [json.Marshaler].
func (m Milliseconds) MarshalJSON() ([]byte, error) { return json.Marshal(m.float()) }

// UnmarshalJSON implements [json.Unmarshaler].
func (m *Milliseconds) UnmarshalJSON(text []byte) error {
	var n float64
	err := json.Unmarshal(text, &n)
	*m = Milliseconds(math.Round(n * float64(time.Millisecond)))
	return err
}

func (m Milliseconds) float() float64 {
	return float64(time.Duration(m).Microseconds()) / float64(time.Millisecond/time.Microsecond)
}
