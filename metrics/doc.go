// Package metrics exports a nodedns service to Prometheus. It is separate from
// package nodedns, so that a program without Prometheus does not link it.
//
// There is no state here: a [Collector] reads the status of the service at each
// scrape and turns it into metrics, so that counting costs a query nothing
// besides the resolver's own counters, and the status and the metrics cannot
// disagree. The number of time series is bounded by the configuration, whatever
// clients and curators send; a scrape costs the same however many nodes there
// are.
//
// The package starts no goroutines.
package metrics
