package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/verdict"
)

// Collector makes metrics of what a service reports. It may be used by any
// goroutine.
type Collector struct {
	// Status and Stats are asked once for each scrape.
	Status func() nodedns.Status
	Stats  func() resolver.Stats
}

// NewCollector returns the metrics of a service, to be registered with any
// registry.
func NewCollector(s *nodedns.Service) *Collector {
	return &Collector{Status: s.Status, Stats: s.Resolver().Stats}
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

func (s scrape) set(m *metric, value float64, labels ...string) { s.out <- m.value(value, labels) }

// count sets a whole number.
func (s scrape) count(m *metric, n uint64, labels ...string) { s.set(m, float64(n), labels...) }

// is sets 1 for yes, and 0 for no.
func (s scrape) is(m *metric, so bool, labels ...string) {
	value := 0.0
	if so {
		value = 1
	}
	s.set(m, value, labels...)
}

// at sets the time of something.
func (s scrape) at(m *metric, at time.Time, labels ...string) {
	const milliseconds = 1e3
	s.set(m, float64(at.UnixMilli())/milliseconds, labels...)
}

func (s scrape) health(status *nodedns.Status) {
	s.is(healthy, status.Verdict.Healthy)
	for _, reason := range verdict.Reasons() {
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

func (s scrape) listeners(all []listen.Status) {
	states := map[listen.State]int{listen.Listening: 0, listen.Waiting: 0, listen.Failed: 0}
	for _, l := range all {
		states[l.State]++
	}
	for state, n := range states {
		s.set(dnsListeners, float64(n), string(state))
	}
}

func (s scrape) zone(status *nodedns.Status) {
	s.set(zoneNodes, float64(status.Nodes.Live), "live")
	s.set(zoneNodes, float64(status.Nodes.Departed), "departed")
	s.set(zoneQuarantined, float64(status.Nodes.Quarantined))
	s.set(zoneContested, float64(status.Nodes.AddressConflicts))
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
	s.set(hostsNames, float64(status.HostsLines.Names))
	s.set(hostsIgnored, float64(status.HostsLines.Ignored))
	if r := status.ResolvConf; r != nil {
		s.is(resolvConfManaged, r.State == resolvconf.StateStub)
		s.count(resolvConfOverwrites, r.Overwrites)
	}
}
