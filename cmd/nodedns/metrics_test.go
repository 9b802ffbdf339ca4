package main

import (
	"bufio"
	"context"
	"io"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// Queries are counted by source and rcode whichever path takes them, over UDP
// as over TCP.
func TestBothPathsCount(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"fast": "true", "ordinary": "false"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.configure("dns.fast_path = " + path + "\n")
			d := m.daemon(io.Discard)
			serve(t, d)
			eventually(t, "the zone is ready", func() bool { return d.service.Status().Ready })
			before := scrape(t, d)
			listener := d.service.Resolver().Addrs()[0].String()
			for _, network := range []string{"udp", "tcp"} {
				wantRcode(t, network, listener, "localhost", dns.RcodeSuccess)
				wantRcode(t, network, listener, strings.Replace(nodeID, "0", "f", 1), dns.RcodeNameError)
			}
			after := scrape(t, d)
			for _, want := range []struct {
				series string
				more   float64
			}{
				{`nodedns_dns_queries_total{rcode="NOERROR",source="special"}`, 2},
				{`nodedns_dns_queries_total{rcode="NXDOMAIN",source="zone"}`, 2},
				{`nodedns_dns_messages_total{transport="tcp"}`, 2},
			} {
				if got := after[want.series] - before[want.series]; got != want.more {
					t.Errorf("%s grew by %v, want %v", want.series, got, want.more)
				}
			}
		})
	}
}

// serve runs the service of a daemon until the test ends.
func serve(t *testing.T, d *daemon) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- unlessStopped(d.service.Run(ctx)) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	<-d.service.Ready()
}

// wantRcode requires a reply with a response code.
func wantRcode(t *testing.T, network, server, name string, rcode int) {
	t.Helper()
	client := dns.Client{Net: network, Timeout: patience}
	reply, _, err := client.Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA), server)
	if err != nil || reply.Rcode != rcode {
		t.Fatalf("%s over %s: %v, error %v, want %s", name, network, reply, err, dns.RcodeToString[rcode])
	}
}

// scrape returns the daemon's metrics by series.
func scrape(t *testing.T, d *daemon) map[string]float64 {
	t.Helper()
	reply := httptest.NewRecorder()
	d.metrics().ServeHTTP(reply, httptest.NewRequest("GET", "/metrics", nil))
	series := map[string]float64{}
	for lines := bufio.NewScanner(reply.Body); lines.Scan(); {
		line := lines.Text()
		if end := strings.LastIndexByte(line, ' '); end > 0 && line[0] != '#' {
			value, err := strconv.ParseFloat(line[end+1:], 64)
			if err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			series[line[:end]] = value
		}
	}
	return series
}
