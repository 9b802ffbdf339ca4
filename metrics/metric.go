package metrics

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// metric is a row of the tables: what it is, and how it is read.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read reading
}

// scrape is what the values of one round are read from.
type scrape struct {
	nodedns.Status
	resolver.Stats
}

// reading sets the values that a metric has in a scrape, which may be none.
type reading func(*scrape, series)

func counter(name, help string, read reading, labels ...string) *metric {
	return newMetric(prometheus.CounterValue, name, help, read, labels)
}

func gauge(name, help string, read reading, labels ...string) *metric {
	return newMetric(prometheus.GaugeValue, name, help, read, labels)
}

// histogram is a metric whose values come from [series.latency].
func histogram(name, help string, read reading, labels ...string) *metric {
	return newMetric(prometheus.UntypedValue, name, help, read, labels)
}

func newMetric(kind prometheus.ValueType, name, help string, read reading, labels []string) *metric {
	return &metric{prometheus.NewDesc("nodedns_"+name, help, labels, nil), kind, read}
}

// series are the values of one metric, each by its labels.
type series struct {
	*metric
	out chan<- prometheus.Metric
}

func (m series) set(value float64, labels ...string) {
	m.out <- prometheus.MustNewConstMetric(m.desc, m.kind, value, valid(labels)...)
}

// count sets a whole number.
func (m series) count(n uint64, labels ...string) { m.set(float64(n), labels...) }

// size sets how many or how much there is of something now.
func (m series) size(n int, labels ...string) { m.set(float64(n), labels...) }

// is sets 1 for yes, and 0 for no.
func (m series) is(so bool, labels ...string) {
	value := 0.0
	if so {
		value = 1
	}
	m.set(value, labels...)
}

// at sets the time of something, unless it did not happen.
func (m series) at(at *time.Time, labels ...string) {
	const milliseconds = 1e3
	if at != nil {
		m.set(float64(at.UnixMilli())/milliseconds, labels...)
	}
}

// latency sets a histogram, whose buckets count all that is within their bound.
func (m series) latency(latency upstream.Latency, labels ...string) {
	buckets, total := map[float64]uint64{}, uint64(0)
	for i, bound := range latency.Bounds() {
		total += latency.Counts[i]
		buckets[bound.Seconds()] = total
	}
	total += latency.Counts[len(latency.Counts)-1]
	m.out <- prometheus.MustNewConstHistogram(m.desc, total, latency.Sum.Seconds(), buckets, valid(labels)...)
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
