package metrics

import "github.com/nodedns/nodedns/resolver/resolvconf"

// fileMetrics are about the files of this machine.
var fileMetrics = []*metric{
	gauge("file_up_to_date", "Whether a managed file is what it should be.", func(s *scrape, m series) {
		for _, f := range s.Files {
			m.is(f.UpToDate, f.Path)
		}
	}, "path"),
	gauge("file_last_success_timestamp_seconds", "When a file last became what it should be, or was found so at the start, in Unix time; absent while it is not.", func(s *scrape, m series) {
		for _, f := range s.Files {
			m.at(f.Since, f.Path)
		}
	}, "path"),
	counter("file_writes_total", "Writes of a managed file.", func(s *scrape, m series) {
		for _, f := range s.Files {
			m.count(f.Writes, f.Path)
		}
	}, "path"),
	counter("file_write_failures_total", "Failed attempts to bring a managed file up to date.", func(s *scrape, m series) {
		for _, f := range s.Files {
			m.count(f.Failures, f.Path)
		}
	}, "path"),
	gauge("hosts_names", "Names that the user's lines of the hosts file give an address.", func(s *scrape, m series) { m.size(s.HostsLines.Names) }),
	gauge("hosts_ignored", "Lines and names of the hosts file that do not count in the DNS.", func(s *scrape, m series) { m.size(s.HostsLines.Ignored) }),
	gauge("resolv_conf_managed", "Whether resolv.conf points at nodedns.", func(s *scrape, m series) {
		if s.ResolvConf != nil {
			m.is(s.ResolvConf.State == resolvconf.StateStub)
		}
	}),
	counter("resolv_conf_overwrites_total", "Times that another program overwrote resolv.conf while it was managed.", func(s *scrape, m series) {
		if s.ResolvConf != nil {
			m.count(s.ResolvConf.Overwrites)
		}
	}),
}
