package metrics

import (
	"time"

	"github.com/nodedns/nodedns/watchers/curator"
)

// curatorMetrics are about the connection to the cluster.
var curatorMetrics = []*metric{
	gauge("curator_connected", "Whether the nodes of the cluster are followed.", func(s *scrape, m series) { m.is(s.Curator.Followed()) }),
	gauge("curator_state", "The state of the connection to the cluster: 1 for the present one.", func(s *scrape, m series) {
		for _, state := range curator.States() {
			m.is(s.Curator.State == state, string(state))
		}
	}, "state"),
	gauge("curator_data_age_seconds", "Age of the knowledge of the cluster's nodes: 0 while it is followed, absent before it ever was.", func(s *scrape, m series) {
		switch {
		case s.Curator.Followed():
			m.set(0)
		case s.Curator.DataSince != nil:
			// The wall clock may have been set back meanwhile.
			m.set(max(0, time.Since(*s.Curator.DataSince).Seconds()))
		}
	}),
	counter("curator_attempts_total", "Attempts to reach a curator.", func(s *scrape, m series) { m.count(s.Curator.Attempts) }),
	counter("curator_failures_total", "Attempts that failed, and connections that were lost.", func(s *scrape, m series) { m.count(s.Curator.Failures) }),
	counter("curator_moves_total", "Moves to another curator because that one leads.", func(s *scrape, m series) { m.count(s.Curator.Failovers) }),
	gauge("curator_leader_reports", "Curators by which leader they report: leads (itself), follows (another one), none, or unheard.", func(s *scrape, m series) {
		// They are counted and not named, so that the label does not grow with the
		// control plane.
		reports := map[string]int{"leads": 0, "follows": 0, "none": 0, "unheard": 0}
		for _, report := range s.Curator.Curators {
			reports[stateOf(report)]++
		}
		for state, n := range reports {
			m.size(n, state)
		}
	}, "state"),
	counter("curator_refused_total", "Nodes of the cluster that were refused as curators, by reason: wrong_node, not_entitled, or not_member.", func(s *scrape, m series) {
		for _, reason := range curator.Reasons() {
			m.count(s.Curator.Refused[reason], string(reason))
		}
	}, "reason"),
	counter("curator_reports_total", "Reports of this node's address to the cluster, by whether it took them: ok or failed.", func(s *scrape, m series) {
		m.count(s.Curator.Reports, "ok")
		m.count(s.Curator.ReportFailures, "failed")
	}, "result"),
	counter("curator_events_total", "Events received from curators.", func(s *scrape, m series) { m.count(s.Curator.Events) }),
	gauge("certificate_expiry_timestamp_seconds", "When a certificate that is in use expires, in Unix time: the cluster's, this node's, or the connected curator's.", func(s *scrape, m series) {
		for _, certificate := range s.Curator.Certificates {
			m.at(&certificate.NotAfter, certificate.Of)
		}
	}, "certificate"),
}

// stateOf classifies what a curator reports.
func stateOf(report curator.LeaderReport) string {
	switch {
	case report.Error != "":
		return "unheard"
	case report.Leader == "":
		return "none"
	case report.Leader == report.ID:
		return "leads"
	}
	return "follows"
}
