package metrics

import "github.com/nodedns/nodedns/resolver/upstream"

// upstreamMetrics have the label of each upstream. There are as many as are
// configured, or in resolv.conf, so that it is bounded.
var upstreamMetrics = []*metric{
	counter("upstream_queries_total", "Queries sent to an upstream, repeated ones and probes included.", ofUpstreams(func(u *upstream.Status, m series) { m.count(u.Queries, u.Server) }), "server"),
	counter("upstream_failures_total", "Queries to an upstream that came to nothing: timeout, error, rejected, overload or loop.", ofUpstreams(func(u *upstream.Status, m series) {
		m.count(u.Timeouts, u.Server, "timeout")
		m.count(u.Failures-u.Timeouts, u.Server, "error")
		m.count(u.Rejections, u.Server, "rejected")
		m.count(u.Overloads, u.Server, "overload")
		m.count(u.Loops, u.Server, "loop")
	}), "server", "kind"),
	gauge("upstream_in_flight", "Queries that wait for an upstream now.", ofUpstreams(func(u *upstream.Status, m series) { m.size(u.InFlight, u.Server) }), "server"),
	gauge("upstream_state", "What is known of an upstream: 1 for the present state.", ofUpstreams(func(u *upstream.Status, m series) {
		for state := upstream.Unknown; state <= upstream.Looping; state++ {
			m.is(u.State == state, u.Server, state.String())
		}
	}), "server", "state"),
	histogram("upstream_rtt_seconds", "Times to an upstream's reply of any kind.", ofUpstreams(func(u *upstream.Status, m series) { m.latency(u.Latency, u.Server) }), "server"),
}

func ofUpstreams(read func(*upstream.Status, series)) reading {
	return func(s *scrape, m series) {
		for i := range s.UpstreamStatus {
			read(&s.UpstreamStatus[i], m)
		}
	}
}
