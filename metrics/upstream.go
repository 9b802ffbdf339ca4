package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/nodedns/nodedns/resolver/upstream"
)

// upstream reports one upstream. There are as many as are configured, or in
// resolv.conf, so that the label is bounded.
func (s scrape) upstream(u *upstream.Status) {
	counts := u.Counts
	s.count(upstreamQueries, counts.Queries, u.Server)
	for kind, count := range map[string]uint64{
		"timeout":  counts.Timeouts,
		"error":    counts.Failures - counts.Timeouts,
		"rejected": counts.Rejections,
		"overload": counts.Overloads,
		"loop":     counts.Loops,
	} {
		s.count(upstreamFailures, count, u.Server, kind)
	}
	s.set(upstreamInFlight, float64(u.InFlight), u.Server)
	for state := upstream.Unknown; state <= upstream.Looping; state++ {
		s.is(upstreamState, u.State == state, u.Server, state.String())
	}
	s.rtt(u)
}

// rtt is the histogram of an upstream's times, whose buckets count all that is
// within their bound.
func (s scrape) rtt(u *upstream.Status) {
	latency := u.Counts.Latency
	buckets, total := map[float64]uint64{}, uint64(0)
	for i, bound := range latency.Bounds() {
		total += latency.Counts[i]
		buckets[bound.Seconds()] = total
	}
	total += latency.Counts[len(latency.Counts)-1]
	s.out <- prometheus.MustNewConstHistogram(upstreamRTT.desc, total, latency.Sum.Seconds(), buckets, valid([]string{u.Server})...)
}
