package metrics

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/cache"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/watchers/curator"
)

// collector is that of a service with something to say for each metric.
func collector(status nodedns.Status) *Collector {
	return &Collector{
		Status: func() nodedns.Status { return status },
		Stats: func() resolver.Stats {
			return resolver.Stats{
				Replies: []resolver.ReplyCount{{Source: "zone", Rcode: "NOERROR", Count: 7}, {Source: "zone", Rcode: "NXDOMAIN", Count: 2}},
				UDP:     8, TCP: 3, Dropped: 2, Overloads: 1, ForwardFailures: 4, InFlight: 6, Coalesced: 9, ReceiveDrops: 16,
				Cache: cache.Stats{Entries: 10, Bytes: 4096, Hits: 11, StaleHits: 12, Misses: 13, Insertions: 14, Evictions: 15},
			}
		},
		Version: "v1.2.3", GoVersion: "go1.26",
	}
}

var sample = nodedns.Status{
	State: nodedns.StateReady, Ready: true, Serial: 12, Conflict: "a clone",
	Nodes: nodedns.NodeCounts{Live: 5, Departed: 1, Quarantined: 2, Contested: 4},
	Curator: nodedns.CuratorStatus{
		State:    curator.StateConnected,
		Counters: curator.Counters{Attempts: 3, Connects: 2, Failures: 1, Moves: 2, Reports: 5, ReportFailures: 6, Events: 40},
		Curators: []nodedns.CuratorStatement{{NodeID: "a", Leader: "a"}, {NodeID: "b", Leader: "a"}, {NodeID: "c"}, {Error: "lost"}},
	},
	Files:      []nodedns.FileStatus{{Path: "/etc/hosts", Writes: 4, Failures: 1}},
	ResolvConf: &nodedns.ResolvConfStatus{State: resolvconf.StateStub, Fights: 3},
	UpstreamStatus: []nodedns.UpstreamStatus{{
		Server: "192.0.2.1", State: "good", InFlight: 2,
		Counts: upstream.Counts{
			Queries: 20, Failures: 5, Timeouts: 3, Rejections: 4, Overloads: 6, Loops: 7,
			Latency: upstream.Latency{Counts: [13]uint64{1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, Sum: 4500 * time.Millisecond},
		},
	}},
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	const want = `
# HELP nodedns_build_info The version that runs; always 1.
# TYPE nodedns_build_info gauge
nodedns_build_info{goversion="go1.26",version="v1.2.3"} 1
# HELP nodedns_cache_bytes Memory that the cached answers take up.
# TYPE nodedns_cache_bytes gauge
nodedns_cache_bytes 4096
# HELP nodedns_cache_entries Answers in the cache, expired ones included.
# TYPE nodedns_cache_entries gauge
nodedns_cache_entries 10
# HELP nodedns_cache_evictions_total Answers that left the cache for want of room.
# TYPE nodedns_cache_evictions_total counter
nodedns_cache_evictions_total 15
# HELP nodedns_cache_insertions_total Answers put into the cache.
# TYPE nodedns_cache_insertions_total counter
nodedns_cache_insertions_total 14
# HELP nodedns_cache_lookups_total Lookups in the cache by what was found: hit, stale or miss.
# TYPE nodedns_cache_lookups_total counter
nodedns_cache_lookups_total{result="hit"} 11
nodedns_cache_lookups_total{result="miss"} 13
nodedns_cache_lookups_total{result="stale"} 12
# HELP nodedns_curator_attempts_total Attempts to reach a curator.
# TYPE nodedns_curator_attempts_total counter
nodedns_curator_attempts_total 3
# HELP nodedns_curator_connected Whether the nodes of the cluster are followed.
# TYPE nodedns_curator_connected gauge
nodedns_curator_connected 1
# HELP nodedns_curator_data_age_seconds Age of the knowledge of the cluster's nodes: 0 while it is followed, absent before it ever was.
# TYPE nodedns_curator_data_age_seconds gauge
nodedns_curator_data_age_seconds 0
# HELP nodedns_curator_events_total Events received from curators.
# TYPE nodedns_curator_events_total counter
nodedns_curator_events_total 40
# HELP nodedns_curator_failures_total Attempts that failed, and connections that were lost.
# TYPE nodedns_curator_failures_total counter
nodedns_curator_failures_total 1
# HELP nodedns_curator_moves_total Moves to another curator because that one leads.
# TYPE nodedns_curator_moves_total counter
nodedns_curator_moves_total 2
# HELP nodedns_curator_reports_total Reports of this node's address to the cluster, by whether it took them.
# TYPE nodedns_curator_reports_total counter
nodedns_curator_reports_total{result="failed"} 6
nodedns_curator_reports_total{result="ok"} 5
# HELP nodedns_curator_state The state of the connection to the cluster: 1 for the present one.
# TYPE nodedns_curator_state gauge
nodedns_curator_state{state="backing off"} 0
nodedns_curator_state{state="bad credentials"} 0
nodedns_curator_state{state="connected"} 1
nodedns_curator_state{state="connecting"} 0
nodedns_curator_state{state="off"} 0
nodedns_curator_state{state="refused"} 0
nodedns_curator_state{state="syncing"} 0
nodedns_curator_state{state="waiting for credentials"} 0
# HELP nodedns_curator_voices Curators by what they say of who leads: leads, follows, nobody, or unheard.
# TYPE nodedns_curator_voices gauge
nodedns_curator_voices{says="follows"} 1
nodedns_curator_voices{says="leads"} 1
nodedns_curator_voices{says="nobody"} 1
nodedns_curator_voices{says="unheard"} 1
# HELP nodedns_dns_coalesced_total DNS queries that waited for what another one asked the upstreams.
# TYPE nodedns_dns_coalesced_total counter
nodedns_dns_coalesced_total 9
# HELP nodedns_dns_dropped_total DNS messages that got no reply: responses, and less than a header.
# TYPE nodedns_dns_dropped_total counter
nodedns_dns_dropped_total 2
# HELP nodedns_dns_forward_failures_total DNS queries that no upstream answered.
# TYPE nodedns_dns_forward_failures_total counter
nodedns_dns_forward_failures_total 4
# HELP nodedns_dns_in_flight DNS queries that wait for upstreams now.
# TYPE nodedns_dns_in_flight gauge
nodedns_dns_in_flight 6
# HELP nodedns_dns_messages_total DNS messages received, whatever they were.
# TYPE nodedns_dns_messages_total counter
nodedns_dns_messages_total{transport="tcp"} 3
nodedns_dns_messages_total{transport="udp"} 8
# HELP nodedns_dns_overloads_total DNS queries refused because too many were in flight.
# TYPE nodedns_dns_overloads_total counter
nodedns_dns_overloads_total 1
# HELP nodedns_dns_queries_total DNS queries by what answered them, and the response code.
# TYPE nodedns_dns_queries_total counter
nodedns_dns_queries_total{rcode="NOERROR",source="zone"} 7
nodedns_dns_queries_total{rcode="NXDOMAIN",source="zone"} 2
# HELP nodedns_dns_receive_drops_total UDP messages that the kernel threw away because they came faster than they were read.
# TYPE nodedns_dns_receive_drops_total counter
nodedns_dns_receive_drops_total 16
# HELP nodedns_file_write_failures_total Failed attempts to bring a file into order.
# TYPE nodedns_file_write_failures_total counter
nodedns_file_write_failures_total{path="/etc/hosts"} 1
# HELP nodedns_file_writes_total Writes of a file that is kept.
# TYPE nodedns_file_writes_total counter
nodedns_file_writes_total{path="/etc/hosts"} 4
# HELP nodedns_healthy Whether everything that was asked for works.
# TYPE nodedns_healthy gauge
nodedns_healthy 1
# HELP nodedns_identity_conflict Whether another machine has this node's key.
# TYPE nodedns_identity_conflict gauge
nodedns_identity_conflict 1
# HELP nodedns_resolv_conf_fights_total Times that somebody else overwrote resolv.conf while it was ours.
# TYPE nodedns_resolv_conf_fights_total counter
nodedns_resolv_conf_fights_total 3
# HELP nodedns_resolv_conf_ours Whether resolv.conf points at us.
# TYPE nodedns_resolv_conf_ours gauge
nodedns_resolv_conf_ours 1
# HELP nodedns_upstream_failures_total Queries to an upstream that came to nothing: timeout, error, rejected, overload or loop.
# TYPE nodedns_upstream_failures_total counter
nodedns_upstream_failures_total{kind="error",server="192.0.2.1"} 2
nodedns_upstream_failures_total{kind="loop",server="192.0.2.1"} 7
nodedns_upstream_failures_total{kind="overload",server="192.0.2.1"} 6
nodedns_upstream_failures_total{kind="rejected",server="192.0.2.1"} 4
nodedns_upstream_failures_total{kind="timeout",server="192.0.2.1"} 3
# HELP nodedns_upstream_in_flight Queries that wait for an upstream now.
# TYPE nodedns_upstream_in_flight gauge
nodedns_upstream_in_flight{server="192.0.2.1"} 2
# HELP nodedns_upstream_queries_total Queries sent to an upstream, repeated ones and probes included.
# TYPE nodedns_upstream_queries_total counter
nodedns_upstream_queries_total{server="192.0.2.1"} 20
# HELP nodedns_upstream_rtt_seconds Times to an upstream's reply of any kind.
# TYPE nodedns_upstream_rtt_seconds histogram
nodedns_upstream_rtt_seconds_bucket{server="192.0.2.1",le="0.001"} 1
nodedns_upstream_rtt_seconds_bucket{server="192.0.2.1",le="0.002"} 1
nodedns_upstream_rtt_seconds_bucket{server="192.0.2.1",le="0.005"} 3
nodedns_upstream_rtt_seconds_bucket{server="192.0.2.1",le="0.01"} 3
nodedns_upstream_rtt_seconds_bucket{server="192.0.2.1",le="0.02"} 3
nodedns_upstream_rtt_seconds_bucket{server="192.0.2.1",le="0.05"} 3
nodedns_upstream_rtt_seconds_bucket{server="192.0.2.1",le="0.1"} 3
nodedns_upstream_rtt_seconds_bucket{server="192.0.2.1",le="0.2"} 3
nodedns_upstream_rtt_seconds_bucket{server="192.0.2.1",le="0.5"} 3
nodedns_upstream_rtt_seconds_bucket{server="192.0.2.1",le="1"} 3
nodedns_upstream_rtt_seconds_bucket{server="192.0.2.1",le="2"} 3
nodedns_upstream_rtt_seconds_bucket{server="192.0.2.1",le="4"} 3
nodedns_upstream_rtt_seconds_bucket{server="192.0.2.1",le="+Inf"} 4
nodedns_upstream_rtt_seconds_sum{server="192.0.2.1"} 4.5
nodedns_upstream_rtt_seconds_count{server="192.0.2.1"} 4
# HELP nodedns_upstream_state What is known of an upstream: 1 for the present state.
# TYPE nodedns_upstream_state gauge
nodedns_upstream_state{server="192.0.2.1",state="doubtful"} 0
nodedns_upstream_state{server="192.0.2.1",state="down"} 0
nodedns_upstream_state{server="192.0.2.1",state="good"} 1
nodedns_upstream_state{server="192.0.2.1",state="looping"} 0
nodedns_upstream_state{server="192.0.2.1",state="rejecting"} 0
nodedns_upstream_state{server="192.0.2.1",state="unknown"} 0
# HELP nodedns_zone_contested_addresses Addresses that several nodes claim.
# TYPE nodedns_zone_contested_addresses gauge
nodedns_zone_contested_addresses 4
# HELP nodedns_zone_nodes Nodes in the zone, and entries that were refused as quarantined.
# TYPE nodedns_zone_nodes gauge
nodedns_zone_nodes{state="departed"} 1
nodedns_zone_nodes{state="live"} 5
nodedns_zone_nodes{state="quarantined"} 2
# HELP nodedns_zone_ready Whether names that are not in the zone are known not to exist.
# TYPE nodedns_zone_ready gauge
nodedns_zone_ready 1
# HELP nodedns_zone_serial Serial of the zone, which grows with each change.
# TYPE nodedns_zone_serial gauge
nodedns_zone_serial 12
`
	if err := testutil.CollectAndCompare(collector(sample), strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestAgeOfData(t *testing.T) {
	t.Parallel()
	ago := func(d time.Duration) *time.Time {
		at := time.Now().Add(-d)
		return &at
	}
	tests := []struct {
		name     string
		curator  nodedns.CuratorStatus
		present  bool
		min, max float64
	}{
		{"never", nodedns.CuratorStatus{State: curator.StateConnecting}, false, 0, 0},
		{"connected", nodedns.CuratorStatus{State: curator.StateConnected, DataSince: ago(time.Hour)}, true, 0, 0},
		{"lost", nodedns.CuratorStatus{State: curator.StateBackingOff, DataSince: ago(time.Hour)}, true, 3600, 7200},
		{"the clock was set back", nodedns.CuratorStatus{State: curator.StateBackingOff, DataSince: ago(-time.Hour)}, true, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := collector(nodedns.Status{Curator: tt.curator})
			const name = "nodedns_curator_data_age_seconds"
			if got := testutil.CollectAndCount(c, name); (got == 1) != tt.present {
				t.Fatalf("there are %d values, want one: %v", got, tt.present)
			}
			if age := value(t, c, name); tt.present && (age < tt.min || age > tt.max) {
				t.Errorf("the age is %v, want %v to %v", age, tt.min, tt.max)
			}
		})
	}
}

// value scrapes one metric without labels, which is 0 where it is absent.
func value(t *testing.T, c *Collector, name string) float64 {
	t.Helper()
	families, err := registry(c).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return 0
}

func TestNamesFollowTheConventions(t *testing.T) {
	t.Parallel()
	problems, err := testutil.CollectAndLint(collector(sample))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(Handler(collector(sample)))
	defer server.Close()
	for path, want := range map[string][]string{
		"/metrics": {"\nnodedns_zone_serial 12\n", "\ngo_goroutines ", "\nprocess_open_fds "},
		"/":        {"/metrics"},
	} {
		body := get(t, server.URL+path)
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s lacks %q:\n%s", path, text, body)
			}
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %v", url, response.Status, err)
	}
	return string(body)
}
