package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

// Collector makes metrics of what the service says. Its functions may be
// called from any goroutine.
type Collector struct {
	Status func() nodedns.Status
	Stats  func() resolver.Stats
	// Loaded tells of the configuration: when it was loaded last, and whether
	// the last attempt succeeded.
	Loaded func() (at time.Time, fine bool)
	// Version of the program, the revision of its source or "", and the version
	// of the Go that built it.
	Version, Revision, GoVersion string
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range all {
		out <- m.desc
	}
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	s := scrape{out}
	s.say(buildInfo, 1, c.Version, c.Revision, c.GoVersion)
	at, fine := c.Loaded()
	s.is(reloadFine, fine)
	s.at(reloadSuccess, at)
	s.dns(c.Stats())

	status := c.Status()
	if status.Varlink != nil {
		s.varlink(status.Varlink)
	}
	s.health(&status)
	s.zone(&status)
	s.curator(&status.Curator)
	for _, upstream := range status.UpstreamStatus {
		s.upstream(&upstream)
	}
	s.files(&status)
}

// scrape is one round of values.
type scrape struct {
	out chan<- prometheus.Metric
}

func (s scrape) say(m *metric, value float64, labels ...string) { s.out <- m.value(value, labels) }

// count says a whole number.
func (s scrape) count(m *metric, n uint64, labels ...string) { s.say(m, float64(n), labels...) }

// is says yes or no.
func (s scrape) is(m *metric, so bool, labels ...string) {
	value := 0.0
	if so {
		value = 1
	}
	s.say(m, value, labels...)
}

// at says when something happened.
func (s scrape) at(m *metric, at time.Time, labels ...string) {
	const milliseconds = 1e3
	s.say(m, float64(at.UnixMilli())/milliseconds, labels...)
}

func (s scrape) health(status *nodedns.Status) {
	s.is(healthy, status.Verdict.Healthy)
	for _, reason := range nodedns.Reasons() {
		s.is(unhealthy, status.Verdict.Has(reason.Code), reason.Code)
	}
	s.listeners(status.ListenerStatus)
	s.is(conflict, status.Conflict != "")
	for by, found := range map[string]*bool{"dns": status.Self.DNS, "file": status.Self.File} {
		if found != nil {
			s.is(selfFound, *found, by)
		}
	}
	for _, task := range status.Tasks {
		s.count(taskFailures, task.Failures, task.Name)
	}
}

func (s scrape) listeners(all []nodedns.ListenerStatus) {
	states := map[listen.State]int{listen.Listening: 0, listen.Waiting: 0, listen.Failed: 0}
	for _, l := range all {
		states[l.State]++
	}
	for state, n := range states {
		s.say(dnsListeners, float64(n), string(state))
	}
}

func (s scrape) zone(status *nodedns.Status) {
	s.say(zoneNodes, float64(status.Nodes.Live), "live")
	s.say(zoneNodes, float64(status.Nodes.Departed), "departed")
	s.say(zoneQuarantined, float64(status.Nodes.Quarantined))
	s.say(zoneContested, float64(status.Nodes.AddressConflicts))
	s.count(zoneSerial, status.Serial)
	s.is(zoneReady, status.Ready)
	if status.Saved != nil {
		s.at(savedTimestamp, *status.Saved)
	}
}

func (s scrape) files(status *nodedns.Status) {
	for _, file := range status.Files {
		s.is(fileUpToDate, file.UpToDate, file.Path)
		if file.Since != nil {
			s.at(fileWritten, *file.Since, file.Path)
		}
		s.count(fileWrites, file.Writes, file.Path)
		s.count(fileWriteFailures, file.Failures, file.Path)
	}
	s.say(hostsNames, float64(status.HostsLines.Names))
	s.say(hostsIgnored, float64(status.HostsLines.Ignored))
	if r := status.ResolvConf; r != nil {
		s.is(resolvConfManaged, r.State == resolvconf.StateStub)
		s.count(resolvConfOverwrites, r.Overwrites)
	}
}
