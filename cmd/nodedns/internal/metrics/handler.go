package metrics

import (
	"io"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/nodedns/nodedns/metrics"
)

// maxScrapes bounds how many scrapes are served concurrently.
const maxScrapes = 4

// Handler serves the metrics of a service and of the process at /metrics.
func Handler(service *metrics.Collector, process *Process) http.Handler {
	mux, r := http.NewServeMux(), registry(service, process)
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{
		MaxRequestsInFlight: maxScrapes,
		// One metric that cannot be had hides no other, and is counted as
		// promhttp_metric_handler_errors_total.
		ErrorHandling: promhttp.ContinueOnError,
		Registry:      r,
	}))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "The metrics of nodedns are at /metrics.\n")
	})
	return mux
}

func registry(service *metrics.Collector, process *Process) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		service,
		process,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return r
}
