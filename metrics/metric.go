package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// metric is one metric's name, labels and meaning.
type metric struct {
	name, help string
	labels     []string
	kind       kind
	desc       *prometheus.Desc
}

// kind is the type of a metric, as Prometheus calls it.
type kind string

const (
	counterKind   kind = "counter"
	gaugeKind     kind = "gauge"
	histogramKind kind = "histogram"
)

func newMetric(kind kind, name, help string, labels []string) *metric {
	name = "nodedns_" + name
	return &metric{name, help, labels, kind, prometheus.NewDesc(name, help, labels, nil)}
}

func counter(name, help string, labels ...string) *metric {
	return newMetric(counterKind, name, help, labels)
}

func gauge(name, help string, labels ...string) *metric {
	return newMetric(gaugeKind, name, help, labels)
}

// histogram is a metric whose values come from [scrape.rtt] and the like.
func histogram(name, help string, labels ...string) *metric {
	return newMetric(histogramKind, name, help, labels)
}

// value is a metric's value with these labels.
func (m *metric) value(value float64, labels []string) prometheus.Metric {
	kind := prometheus.GaugeValue
	if m.kind == counterKind {
		kind = prometheus.CounterValue
	}
	return prometheus.MustNewConstMetric(m.desc, kind, value, valid(labels)...)
}

// valid is labels that Prometheus takes. Most are ours, but the zone of an
// address in resolv.conf and the path of a file may be any octets, and others
// than UTF-8 would end the process.
func valid(labels []string) []string {
	for i, label := range labels {
		labels[i] = strings.ToValidUTF8(label, "\uFFFD")
	}
	return labels
}
