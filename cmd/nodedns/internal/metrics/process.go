package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	buildInfo     = prometheus.NewDesc("nodedns_build_info", "The version that runs; always 1.", []string{"version", "revision", "goversion"}, nil)
	reloadOK      = prometheus.NewDesc("nodedns_config_last_reload_successful", "Whether the last attempt to load the configuration succeeded.", nil, nil)
	reloadSuccess = prometheus.NewDesc("nodedns_config_last_reload_success_timestamp_seconds", "When the configuration was loaded last, in Unix time.", nil, nil)
)

// Process is the part of the metrics that an embedding program has of its own.
type Process struct {
	// Loaded returns when the configuration was loaded last, and whether the last
	// attempt succeeded. Any goroutine may call it.
	Loaded func() (at time.Time, ok bool)
	// Version of the program, the revision of its source or "", and the version
	// of the Go that built it.
	Version, Revision, GoVersion string
}

// Describe implements [prometheus.Collector].
func (p *Process) Describe(out chan<- *prometheus.Desc) {
	out <- buildInfo
	out <- reloadOK
	out <- reloadSuccess
}

// Collect implements [prometheus.Collector].
func (p *Process) Collect(out chan<- prometheus.Metric) {
	set := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	set(buildInfo, 1, p.Version, p.Revision, p.GoVersion)
	at, ok := p.Loaded()
	successful := 0.0
	if ok {
		successful = 1
	}
	set(reloadOK, successful)
	set(reloadSuccess, float64(at.UnixMilli())/float64(time.Second/time.Millisecond))
}
