package nodedns

import (
	"time"

	"github.com/nodedns/nodedns/resolver/upstream"
)

// UpstreamStatus is one of the servers for names that are not ours.
type UpstreamStatus struct {
	Server   string `json:"server"`   // as the configuration spells it
	Protocol string `json:"protocol"` // udp, tcp, tls or https
	// General is whether it is asked for what no route has, and Routes are the
	// domains that a route sends to it.
	General bool     `json:"general"`
	Routes  []string `json:"routes"`
	// State is unknown, good, doubtful, down, rejecting or looping.
	State string    `json:"state"`
	Since time.Time `json:"since"`
	// Reason is the last error, unless the server is good again.
	Reason string `json:"reason"`
	// RTT is the smoothed time to a reply, and P95 what 95 of 100 recent ones
	// keep to, both in milliseconds; 0: not known.
	RTT float64 `json:"rtt_ms"`
	P95 float64 `json:"p95_ms"`
	// EDNS is false while the server is asked without, since it chokes on it.
	EDNS     bool   `json:"edns"`
	InFlight int    `json:"in_flight"`
	Queries  uint64 `json:"queries"`
	Failures uint64 `json:"failures"`

	Counts upstream.Counts `json:"-"`
}

// upstreamStatus tells of all servers.
func (s *Service) upstreamStatus() []UpstreamStatus {
	all := []UpstreamStatus{}
	for _, u := range s.dns.UpstreamStatus() {
		all = append(all, UpstreamStatus{
			Server:   u.Server.String(),
			Protocol: u.Server.Transport.String(),
			General:  u.General,
			Routes:   append([]string{}, u.Routes...),
			State:    u.State.String(),
			Since:    u.Since.UTC().Truncate(time.Millisecond),
			Reason:   u.Reason,
			RTT:      milliseconds(u.RTT),
			P95:      milliseconds(u.P95),
			EDNS:     u.EDNS,
			InFlight: u.InFlight,
			Queries:  u.Counts.Queries,
			Failures: u.Counts.Failures,
			Counts:   u.Counts,
		})
	}
	return all
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / float64(time.Millisecond/time.Microsecond)
}
