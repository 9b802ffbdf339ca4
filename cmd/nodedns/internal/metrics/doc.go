// Package metrics shows the daemon to Prometheus.
//
// There is no state here: a [Collector] asks the service at each scrape and
// turns what it says into metrics, so that counting costs a query nothing
// besides the resolver's own counters, and the status and the metrics cannot
// disagree. [Handler] serves a registry of its own, beside no global one.
package metrics
