package metrics_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/metrics"
)

// A program that embeds the service registers its metrics beside its own.
func ExampleNewCollector() {
	dir, err := os.MkdirTemp("", "nodedns-example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	service, err := nodedns.New(nodedns.Config{NodeID: "node1", StateDir: dir})
	if err != nil {
		panic(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewCollector(service))

	// It does not run yet.
	families, err := registry.Gather()
	if err != nil {
		panic(err)
	}
	for _, family := range families {
		if strings.HasPrefix(family.GetName(), "nodedns_zone_ready") {
			fmt.Println(family.GetName(), family.GetMetric()[0].GetGauge().GetValue())
		}
	}
	// Output: nodedns_zone_ready 0
}
