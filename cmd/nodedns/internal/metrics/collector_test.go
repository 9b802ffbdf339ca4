package metrics

import (
	"flag"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/metrics"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/selfcheck"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/resolver/varlink"
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

var update = flag.Bool("update", false, "write the golden file and the manual's tables anew")

// collector is that of a service with something to report for each metric.
func collector(status nodedns.Status) *metrics.Collector {
	return &metrics.Collector{
		Status: func() nodedns.Status { return status },
		Stats: func() resolver.Stats {
			return resolver.Stats{
				Replies: []resolver.ReplyCount{{Source: "zone", Rcode: "NOERROR", Count: 7}, {Source: "zone", Rcode: "NXDOMAIN", Count: 2}},
				UDP:     8, TCP: 3, Dropped: 2, Overloads: 1, ForwardFailures: 4, InFlight: 6, Coalesced: 9, ReceiveDrops: 16,
				Connections: listen.Connections{Open: 17, Limit: 18, Refused: 19},
				Watch:       resolver.QueryLogStats{Watchers: 23, Missed: 24},
				Cache:       resolver.CacheStats{Entries: 10, Bytes: 4096, Limit: 8192, Hits: 11, StaleHits: 12, Misses: 13, Insertions: 14, Evictions: 15},
			}
		},
	}
}

var process = &Process{
	Loaded:  func() (time.Time, bool) { return moment, true },
	Version: "v1.2.3", Revision: "abc", GoVersion: "go1.26",
}

// moment is when all of the sample happened.
var moment = time.Unix(1_700_000_000, 250_000_000)

var sample = nodedns.Status{
	State: nodedns.StateDegraded, Ready: true, Serial: 12, Conflict: "a clone",
	Verdict: verdict.Verdict{Reasons: []verdict.Reason{{Code: verdict.IdentityConflict}, {Code: verdict.FileNotWritten}}},
	Nodes:   zone.Counts{Live: 5, Departed: 1, Quarantined: 2, AddressConflicts: 4, NameConflicts: 3},
	Curator: curator.Status{
		State:        curator.StateConnected,
		Counters:     curator.Counters{Attempts: 3, Connects: 2, Failures: 1, Failovers: 2, Reports: 5, ReportFailures: 6, Events: 40},
		Certificates: []curator.Certificate{{Of: "cluster", NotAfter: moment}, {Of: "node", NotAfter: moment.Add(time.Hour)}},
		Curators:     []curator.LeaderReport{{ID: "a", Leader: "a"}, {ID: "b", Leader: "a"}, {ID: "c"}, {Error: "lost"}},
	},
	ListenerStatus: []listen.Status{
		{Addr: netip.MustParseAddrPort("127.0.0.53:53"), State: listen.Listening},
		{Addr: netip.MustParseAddrPort("[::1]:53"), State: listen.Listening},
		{Addr: netip.MustParseAddrPort("172.17.0.1:53"), State: listen.Waiting, Error: "no interface has the address"},
	},
	Self:  selfcheck.Status{DNS: new(true), File: new(false)},
	Tasks: []nodedns.TaskStatus{{Name: "files", Failures: 20}, {Name: "zone"}},
	Saved: &moment,
	Files: []hostsfile.FileStatus{
		{Path: "/etc/hosts", UpToDate: true, Writes: 4, Failures: 1, Since: &moment},
		{Path: "/etc/machine-id", Error: "no room"},
	},
	Varlink: &nodedns.VarlinkStatus{Socket: "/run/x", Stats: varlink.Stats{
		Connections: 25, Refused: 26,
		Calls: []varlink.CallCount{
			{Count: 27},
			{Method: "io.systemd.Resolve.ResolveHostname", Count: 28},
			{Method: "io.systemd.Resolve.ResolveHostname", Error: "io.systemd.Resolve.NoSuchResourceRecord", Count: 29},
		},
	}},
	HostsLines: resolver.HostsSummary{Names: 21, Ignored: 22},
	ResolvConf: &resolvconf.Status{State: resolvconf.StateStub, Overwrites: 3},
	UpstreamStatus: []upstream.Status{{
		Server: "192.0.2.1", State: upstream.Good, InFlight: 2,
		Counts: upstream.Counts{
			Queries: 20, Failures: 5, Timeouts: 3, Rejections: 4, Overloads: 6, Loops: 7,
			Latency: upstream.Latency{Counts: [13]uint64{1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, Sum: 4500 * time.Millisecond},
		},
	}},
}

// What Prometheus gets of the sample. Names, labels and units are promises: a
// change of them belongs into the changelog.
func TestMetrics(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for line := range strings.Lines(scraped(t)) {
		if strings.Contains(line, " nodedns_") || strings.HasPrefix(line, "nodedns_") {
			got.WriteString(line)
		}
	}
	const path = "testdata/metrics.golden"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant, as in %s,\n%s", got.String(), path, want)
	}
}

// scraped is what a scrape of the sample returns.
func scraped(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(Handler(collector(sample), process))
	defer server.Close()
	return get(t, server.URL+"/metrics")
}

// The sample has a value for each metric, so that the tests above and below
// leave none out.
func TestSampleIsComplete(t *testing.T) {
	t.Parallel()
	text := scraped(t)
	for name := range described() {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("the sample lacks %s", name)
		}
	}
}

// described are the names of all metrics.
func described() iter.Seq[string] {
	return func(yield func(string) bool) {
		descs := make(chan *prometheus.Desc)
		go func() {
			defer close(descs)
			collector(sample).Describe(descs)
			process.Describe(descs)
		}()
		for desc := range descs {
			name, _, _ := strings.Cut(strings.TrimPrefix(desc.String(), `Desc{fqName: "`), `"`)
			if !yield(name) {
				panic("all of them are wanted")
			}
		}
	}
}

// Neither the content of resolv.conf nor the command line may end the process.
func TestLabelsThatAreNoText(t *testing.T) {
	t.Parallel()
	odd := sample
	odd.UpstreamStatus = []upstream.Status{{Server: "fe80::1%\xff"}, {Server: "fe80::1%\xfe"}}
	odd.Files = []hostsfile.FileStatus{{Path: "/etc/\xff"}}
	server := httptest.NewServer(Handler(collector(odd), process))
	defer server.Close()
	text := get(t, server.URL+"/metrics")
	for _, want := range []string{`nodedns_file_writes_total{path="/etc/�"} 0`, `nodedns_upstream_in_flight{server="fe80::1%�"} 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// The gauge follows the verdict, whatever else the status has.
func TestHealthyIsTheVerdict(t *testing.T) {
	t.Parallel()
	for _, healthy := range []bool{true, false} {
		c := collector(nodedns.Status{State: nodedns.StateReady, Verdict: verdict.Verdict{Healthy: healthy}})
		if got := value(t, c, "nodedns_healthy"); (got == 1) != healthy {
			t.Errorf("the gauge is %v, and the verdict %v", got, healthy)
		}
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
		curator  curator.Status
		present  bool
		min, max float64
	}{
		{"never", curator.Status{State: curator.StateConnecting}, false, 0, 0},
		{"connected", curator.Status{State: curator.StateConnected, DataSince: ago(time.Hour)}, true, 0, 0},
		{"removed", curator.Status{State: curator.StateRemoved, DataSince: ago(time.Hour)}, true, 0, 0},
		{"lost", curator.Status{State: curator.StateBackingOff, DataSince: ago(time.Hour)}, true, 3600, 7200},
		{"the clock was set back", curator.Status{State: curator.StateBackingOff, DataSince: ago(-time.Hour)}, true, 0, 0},
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
func value(t *testing.T, c *metrics.Collector, name string) float64 {
	t.Helper()
	families, err := registry(c, process).Gather()
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
	server := httptest.NewServer(Handler(collector(sample), process))
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
