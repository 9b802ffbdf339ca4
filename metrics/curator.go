package metrics

import (
	"time"

	"github.com/nodedns/nodedns/watchers/curator"
)

// curator reports the connection to the cluster.
func (s scrape) curator(c *curator.Status) {
	connected := c.Followed()
	s.is(curatorConnected, connected)
	for _, state := range curator.States() {
		s.is(curatorState, c.State == state, string(state))
	}
	switch {
	case connected:
		s.set(curatorDataAge, 0)
	case c.DataSince != nil:
		// The wall clock may have been set back meanwhile.
		s.set(curatorDataAge, max(0, time.Since(*c.DataSince).Seconds()))
	}
	for _, certificate := range c.Certificates {
		s.at(certificateEnd, certificate.NotAfter, certificate.Of)
	}
	s.leaderReports(c.Curators)
	for _, reason := range curator.Reasons() {
		s.count(curatorRefused, c.Refused[reason], string(reason))
	}
	s.count(curatorAttempts, c.Attempts)
	s.count(curatorFailures, c.Failures)
	s.count(curatorMoves, c.Failovers)
	s.count(curatorReports, c.Reports, "ok")
	s.count(curatorReports, c.ReportFailures, "failed")
	s.count(curatorEvents, c.Events)
}

// leaderReports counts the curators instead of naming them, so that the label does not
// grow with the control plane.
func (s scrape) leaderReports(all []curator.LeaderReport) {
	reports := map[string]uint64{"leads": 0, "follows": 0, "none": 0, "unheard": 0}
	for _, report := range all {
		reports[stateOf(report)]++
	}
	for state, n := range reports {
		s.count(curatorReported, n, state)
	}
}

// stateOf sorts what a curator reports.
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
