package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/resolver"
)

// Collector makes metrics of what a service reports. It may be used by any
// goroutine.
type Collector struct {
	// Status and Stats are called once for each scrape.
	Status func() nodedns.Status
	Stats  func() resolver.Stats
}

// NewCollector returns the metrics of a service, to be registered with any
// registry.
func NewCollector(s *nodedns.Service) *Collector {
	return &Collector{Status: s.Status, Stats: s.Resolver().Stats}
}

// all are the metrics. Names, labels and units are promises, which the manual's
// table of them has.
var all = slices.Concat(serviceMetrics, dnsMetrics, upstreamMetrics, curatorMetrics, fileMetrics)

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range all {
		out <- m.desc
	}
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	s := &scrape{c.Status(), c.Stats()}
	for _, m := range all {
		m.read(s, series{m, out})
	}
}
