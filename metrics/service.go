package metrics

import "github.com/nodedns/nodedns/verdict"

// serviceMetrics are about the whole, and the zone.
var serviceMetrics = []*metric{
	gauge("healthy", "Whether everything that was asked for works, which is when the state is ready.", func(s *scrape, m series) { m.is(s.Verdict.Healthy) }),
	gauge("unhealthy_reason", "What keeps the daemon from being healthy: 1 for each reason of the verdict.", func(s *scrape, m series) {
		for _, reason := range verdict.Reasons() {
			m.is(s.Verdict.Has(reason.Code), reason.Code)
		}
	}, "reason"),
	gauge("self_resolution", "Whether this machine's own name was found at the last look: by dns, at each listener, or by file, in the hosts file.", func(s *scrape, m series) {
		for by, found := range map[string]*bool{"dns": s.Self.DNS, "file": s.Self.File} {
			if found != nil {
				m.is(*found, by)
			}
		}
	}, "by"),
	gauge("identity_conflict", "Whether another machine has this node's key.", func(s *scrape, m series) { m.is(s.Conflict != "") }),
	counter("task_failures_total", "Times that a part of the service failed and was run again.", func(s *scrape, m series) {
		for _, task := range s.Tasks {
			m.count(task.Failures, task.Name)
		}
	}, "task"),
	gauge("zone_nodes", "Nodes in the zone: live, or departed and still answered.", func(s *scrape, m series) {
		m.size(s.Nodes.Live, "live")
		m.size(s.Nodes.Departed, "departed")
	}, "state"),
	gauge("zone_quarantined_entries", "Entries of the cluster that are refused now, so that what was known of their nodes stays.", func(s *scrape, m series) { m.size(s.Nodes.Quarantined) }),
	gauge("zone_contested_addresses", "Addresses that several nodes claim.", func(s *scrape, m series) { m.size(s.Nodes.AddressConflicts) }),
	gauge("zone_contested_names", "Readable names that several nodes claim.", func(s *scrape, m series) { m.size(s.Nodes.NameConflicts) }),
	gauge("zone_serial", "Serial of the zone, which grows with each change.", func(s *scrape, m series) { m.count(s.Serial) }),
	gauge("zone_ready", "Whether names that are not in the zone are known not to exist.", func(s *scrape, m series) { m.is(s.Ready) }),
	gauge("saved_nodes_last_write_timestamp_seconds", "When the saved nodes were written last, in Unix time; absent without them.", func(s *scrape, m series) { m.at(s.Saved) }),
}
