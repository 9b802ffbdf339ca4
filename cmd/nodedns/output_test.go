package main

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/resolver/varlink"
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/watchers/nodefile"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// now is the time in the golden files.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) *time.Time {
	at := now.Add(-d)
	return &at
}

// because is a verdict for these reasons, each by its code and its text.
func because(reasons ...string) (v verdict.Verdict) {
	for pair := range slices.Chunk(reasons, 2) {
		v.Reasons = append(v.Reasons, verdict.Reason{Code: pair[0], Text: pair[1], Fix: "do about it what " + pair[0] + " needs"})
	}
	return v
}

func TestPrintStatus(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]nodedns.Status{
		"status_starting": {NodeID: nodeID, State: nodedns.StateStarting, Curator: curator.Status{State: curator.StateOff}, Verdict: because("starting", "not all listeners answer")},
		"status_ready": {
			NodeID: nodeID, State: nodedns.StateReady, Verdict: verdict.Verdict{Healthy: true}, Ready: true, Serial: 12,
			Addresses: testkit.Addrs("192.0.2.10", "2001:db8::10"),
			Nodes:     zone.Counts{Live: 5, Departed: 1, Quarantined: 2},
			Refused:   []zone.Refusal{{ID: "node7\n", Reason: "the name has no node-ID shape"}},
			Curator: curator.Status{
				State: curator.StateConnected, Endpoint: "192.0.2.11:7835",
				ConnectedSince: ago(192 * time.Second), DataSince: ago(192 * time.Second),
				Leader: nodeID,
				Curators: []curator.LeaderReport{
					{Endpoint: "192.0.2.11:7835", ID: nodeID, Leader: nodeID},
					{Endpoint: "192.0.2.12:7835", ID: "metropolis-2", Leader: nodeID},
					{Endpoint: "192.0.2.13:7835", ID: "metropolis-3"},
					{Endpoint: "192.0.2.14:7835", Error: "connection refused"},
				},
				Credentials: curator.CredentialsStatus{State: curator.CredentialsValid, Detail: "until 2030-01-01"},
			},
			Listeners: testkit.AddrPorts("127.0.0.53:53"),
			ListenerStatus: []listen.Status{
				{Addr: netip.MustParseAddrPort("127.0.0.53:53"), State: listen.Listening},
				{Addr: netip.MustParseAddrPort("[fe80::1%br0]:53"), State: listen.Waiting, Error: "there is no interface br0"},
			},
			Varlink:   &nodedns.VarlinkStatus{Socket: "/run/systemd/resolve/io.systemd.Resolve", Stats: varlink.Stats{Connections: 2}},
			Upstreams: []string{"192.0.2.53", "tls://192.0.2.54#dns.example"},
			UpstreamStatus: []upstream.Status{
				{Server: "192.0.2.53", General: true, State: upstream.Good, RTT: upstream.Milliseconds(12345 * time.Microsecond), EDNS: true},
				{Server: "tls://192.0.2.54#dns.example", General: true, Routes: []string{"a.example", "b.example"}, State: upstream.Unknown, EDNS: true},
				{Server: "10.0.0.2", Routes: []string{"corp.example"}, State: upstream.Good, RTT: upstream.Milliseconds(250 * time.Microsecond)},
			},
			NodeFiles: []nodefile.Status{{Path: "/etc/nodedns/nodes.d/machines.hosts", Nodes: 10, Age: new(int64(7260)), Hash: "0123456789ab"}},
			Files: []hostsfile.FileStatus{
				{Path: "/etc/hosts", UpToDate: true, Written: ago(3 * time.Hour)},
				{Path: "/proc/sys/kernel/hostname", UpToDate: true},
			},
			ResolvConf: &resolvconf.Status{
				Path: "/etc/resolv.conf", Mode: resolvconf.ModeStub, State: resolvconf.StateStub,
				Source: "/run/systemd/resolve/resolv.conf", Overwrites: 2, LastOverwrittenBy: "NetworkManager",
			},
		},
		"status_degraded": {
			NodeID: nodeID, State: nodedns.StateDegraded, Serial: 3,
			Varlink: &nodedns.VarlinkStatus{Socket: "/run/varlink", Error: "another process serves the socket"},
			Curator: curator.Status{
				State: curator.StateBackingOff, Detail: "dial tcp 192.0.2.11:7835: connection refused",
				Endpoint: "192.0.2.11:7835", DataSince: ago(50 * time.Hour), Remarks: []string{"the certificate of this node has expired"},
				Credentials: curator.CredentialsStatus{State: curator.CredentialsExpired, Detail: "since 2026-01-01T00:00:00Z"},
			},
			Listeners: testkit.AddrPorts("127.0.0.53:53"),
			ListenerStatus: []listen.Status{
				{Addr: netip.MustParseAddrPort("127.0.0.53:53"), State: listen.Listening},
				{Addr: netip.MustParseAddrPort("172.17.0.1:53"), State: listen.Failed, Error: "172.17.0.1:53 is in use by dnsmasq"},
			},
			UpstreamStatus: []upstream.Status{
				{Server: "192.0.2.53", General: true, State: upstream.Down, Since: *ago(90 * time.Second), Reason: "no answer in time", EDNS: true},
			},
			HostsLines: resolver.HostsSummary{Names: 4, Ignored: 3, Problems: []string{`line 4: "x y" is not an address`}},
			NodeFiles: []nodefile.Status{
				{Path: "/etc/nodedns/nodes.d/a.json", Error: "line 3, column 7: unknown key \"adresses\""},
				{
					Path: "/etc/nodedns/nodes.d/b.hosts", Nodes: 10, Age: new(int64(5)), Hash: "0123456789ab", Error: "line 3: \"x\" is no address",
					Ignored: 3, Problems: []string{`line 1: name "a_b": want letters, digits, hyphens and dots only`, "line 2: address 127.0.1.1 is a loopback address"},
				},
			},
			Files: []hostsfile.FileStatus{
				{Path: "/etc/machine-id"},
				{Path: "/etc/hosts", Error: "write /etc/hosts: no space left on device"},
			},
			ResolvConf: &resolvconf.Status{
				Path: "/etc/resolv.conf", Mode: resolvconf.ModeStub, State: resolvconf.StateLeft, Overwrites: 10, LastOverwrittenBy: "dhclient",
				Error: "resolv.conf was overwritten 10 times",
			},
			Verdict: because(
				"listener-failed", "172.17.0.1:53 is in use by dnsmasq", "file-not-written", "write /etc/hosts: no space left on device",
				"file-not-written", "write /etc/machine-id: no space left on device", "self-resolution", "self-resolution: timeout",
			),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := printStatus(&out, status, now); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.String())
		})
	}
}

// Without a cluster there is nothing to be known of one, also where nodes were saved.
func TestStatusWithoutACluster(t *testing.T) {
	t.Parallel()
	if text := curatorText(curator.Status{State: curator.StateOff, DataSince: ago(time.Minute)}, now); strings.Contains(text, "cluster") {
		t.Errorf("got %q", text)
	}
}

func TestStatusCheck(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]int{
		nodedns.StateReady: exitOK, nodedns.StateDegraded: exitFailed, nodedns.StateStarting: exitFailed, nodedns.StateWaiting: exitFailed,
	} {
		status := nodedns.Status{State: state, Verdict: verdict.Verdict{Healthy: true}}
		says := ""
		if want != exitOK {
			status.Verdict, says = because("x", "this is broken"), "the daemon is "+state+": this is broken"
		}
		socket := answering(t, control.Daemon{Status: func() nodedns.Status { return status }})
		for _, form := range []string{"--json=false", "--json"} {
			command(t, "status", "--control", socket, form).expect(t, exitOK, state, "")
			command(t, "status", "--control", socket, form, "--check").expect(t, want, state, says)
		}
	}
}

// After an upgrade the command may be newer than the daemon that still runs, which
// gives no verdict.
func TestStatusOfADaemonWithoutVerdict(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]struct {
		exit   int
		errors []string
		says   string
		stderr string
	}{
		nodedns.StateReady:    {exit: exitOK, says: "healthy"},
		nodedns.StateDegraded: {exitFailed, []string{"the disk is full"}, "the disk is full", "the daemon is degraded: the disk is full"},
	} {
		status := nodedns.Status{State: state, Errors: want.errors}
		socket := answering(t, control.Daemon{Status: func() nodedns.Status { return status }})
		command(t, "status", "--control", socket, "--check").expect(t, want.exit, want.says, want.stderr)
		if shown := command(t, "status", "--control", socket); strings.Contains(shown.stdout, "unhealthy") != (want.exit != exitOK) {
			t.Errorf("the state %s is shown as %s", state, shown.stdout)
		}
	}
}

func TestPrintFlushed(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "nothing to forget\n", 1: "1 answer forgotten\n", 7: "7 answers forgotten\n"} {
		var out strings.Builder
		if err := printFlushed(&out, control.Flushed{Answers: n}); err != nil || out.String() != want {
			t.Errorf("got %q, %v", out.String(), err)
		}
	}
}

func TestPrintNodes(t *testing.T) {
	t.Parallel()
	nodes := []control.Node{
		{ID: "a", Addresses: testkit.Addrs("192.0.2.10", "2001:db8::10"), Roles: []string{"consensus-member", "kubernetes-worker"}, State: "up", Source: "local", Local: true, Since: ago(time.Minute)},
		{ID: nodeID, State: "decommissioned", Source: "curator", Departed: true, Since: ago(80 * time.Hour)},
		{ID: "b", Names: []string{"web-2", "www.example"}, State: "new", Source: "saved"},
		{ID: "c", Names: []string{"web-3"}, Contested: []string{"web", "mail"}, State: "up", Source: "files"},
		{ID: "d", Contested: []string{"web"}, State: "up", Source: "curator"},
	}
	var people, programs strings.Builder
	for name, list := range map[string]struct {
		nodeList
		out *strings.Builder
	}{
		"nodes_table": {&nodeTable{table: table{out: &people}, now: now}, &people},
		"nodes_json":  {&nodeArray{out: &programs}, &programs},
	} {
		for _, n := range nodes {
			if err := list.add(n); err != nil {
				t.Fatal(err)
			}
		}
		if err := list.end(true); err != nil {
			t.Fatal(err)
		}
		golden(t, name, list.out.String())
	}
}

func TestPrintAnswers(t *testing.T) {
	t.Parallel()
	since, server := ago(192*time.Second), "tls://192.0.2.53#dns.example"
	node := inspect.Answer{
		Name: nodeID + ".", Type: "A", Rcode: "NOERROR", Authoritative: true,
		Records: []inspect.Record{{Name: nodeID + ".", TTL: 10, Type: "A", Data: "192.0.2.10"}},
		Source:  "zone", Reason: "a node", Duration: 33500,
		Provenance: inspect.Provenance{Step: "zone", Node: &inspect.NodeProvenance{ID: nodeID, Source: "curator", State: "up", Since: since}},
	}
	without := node
	without.Type, without.Records, without.Reason, without.Duration = "AAAA", nil, "a node without such records", 44500
	failed := inspect.Answer{
		Name: "example.com.", Type: "A", Rcode: "SERVFAIL", Source: "upstream", Reason: "not a name of ours",
		Errors:   []inspect.ExtendedError{{Code: 22, Meaning: "No Reachable Authority", Text: "192.0.2.53:53: timeout"}, {Code: 4000, Server: "192.0.2.53"}},
		Duration: 3900 * time.Millisecond,
	}
	kept := inspect.Answer{
		Name: "example.com.", Type: "AAAA", Rcode: "NOERROR", Source: "cache", Reason: "an upstream answered a while ago",
		Records:    []inspect.Record{{Name: "example.com.", TTL: 48, Type: "AAAA", Data: "2001:db8::1"}},
		Provenance: inspect.Provenance{Step: "upstream", Cache: &inspect.CacheProvenance{Age: 12, Left: 48}}, Duration: 20000,
	}
	departed := node
	departed.Name, departed.Type = "10.2.0.192.in-addr.arpa.", "PTR"
	departed.Records = []inspect.Record{{Name: departed.Name, TTL: 10, Type: "PTR", Data: nodeID + "."}}
	departed.Node = &inspect.NodeProvenance{ID: nodeID, Source: "saved", State: "unknown", Departed: true, Since: since}
	line := inspect.Answer{
		Name: "printer.", Type: "A", Rcode: "NOERROR", Authoritative: true, Source: "hosts", Reason: "a line of the hosts file",
		Records:    []inspect.Record{{Name: "printer.", TTL: 10, Type: "A", Data: "192.0.2.7"}},
		Provenance: inspect.Provenance{Step: "hosts", Lines: []inspect.HostLine{{Path: "/etc/hosts", Line: 3}, {Path: "/etc/hosts", Line: 9}}},
	}
	routed := inspect.Answer{
		Name: "www.corp.example.", Type: "MX", Rcode: "NOERROR", Source: "upstream", Reason: "a route has the name",
		Provenance: inspect.Provenance{Step: "route", Route: "corp.example."}, Server: server, Protocol: "tls", Duration: 12 * time.Millisecond,
	}
	single := inspect.Answer{Name: "scanner.", Type: "A", Rcode: "NOERROR", Authoritative: true, Source: "special", Reason: "a single label is not asked for upstream"}
	refused := inspect.Answer{
		Name: nodeID + ".", Type: "A", Rcode: "NXDOMAIN", Authoritative: true, Source: "zone", Reason: "no such node",
		Provenance: inspect.Provenance{Step: "zone", Refused: "address 127.0.0.1 is a loopback address"},
	}
	for name, tt := range map[string]struct {
		name    string
		answers []inspect.Answer
	}{
		"query_node":     {nodeID, []inspect.Answer{node, without}},
		"query_nodata":   {nodeID, []inspect.Answer{without}},
		"query_servfail": {"example.com", []inspect.Answer{failed}},
		"query_differ":   {"example.com", []inspect.Answer{failed, kept}},
		"query_departed": {"192.0.2.10", []inspect.Answer{departed}},
		"query_line":     {"printer", []inspect.Answer{line}},
		"query_routed":   {"www.corp.example", []inspect.Answer{routed}},
		"query_single":   {"scanner", []inspect.Answer{single}},
		"query_refused":  {nodeID, []inspect.Answer{refused}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := printAnswers(&out, false, tt.name, tt.answers, now); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.String())
		})
	}
}

func TestCacheText(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]inspect.CacheProvenance{
		"1m5s old, fresh for 2s more":         {Age: 65, Left: 2},
		"stale, 10m0s old":                    {Age: 600, Stale: true},
		"a failure, 1s old, kept for 4s more": {Age: 1, Left: 4, Failure: true},
	} {
		if got := cacheText(c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestUnresolved(t *testing.T) {
	t.Parallel()
	some := inspect.Answer{Name: "a.", Type: "AAAA", Rcode: "NOERROR", Records: []inspect.Record{{}}}
	none := inspect.Answer{Name: "a.", Type: "A", Rcode: "NOERROR"}
	failed := inspect.Answer{Name: "a.", Type: "A", Rcode: "SERVFAIL"}
	for want, answers := range map[string][]inspect.Answer{
		"":                                {none, some},
		"a has no A or A record":          {none, none},
		"a cannot be resolved (SERVFAIL)": {none, failed},
	} {
		if err := unresolved(answers); want != "" && (err == nil || err.Error() != want) || want == "" && err != nil {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := unresolved([]inspect.Answer{failed, some}); err != nil {
		t.Errorf("with one answer that has records: %v", err)
	}
}

// Programs that expect one answer find all records in the same place.
func TestCombine(t *testing.T) {
	t.Parallel()
	none := inspect.Answer{Name: "a.", Type: "A", Rcode: "NXDOMAIN", Duration: 5}
	some := inspect.Answer{Name: "a.", Type: "AAAA", Rcode: "NOERROR", Records: []inspect.Record{{Data: "::1"}}, Duration: 3}
	c := combine([]inspect.Answer{none, some})
	if c.Type != "A,AAAA" || c.Rcode != "NOERROR" || len(c.Records) != 1 || c.Duration != 5 || len(c.Answers) != 2 {
		t.Errorf("got %+v", c)
	}
	if c := combine([]inspect.Answer{some}); c.Type != "AAAA" || c.Answers != nil {
		t.Errorf("of one answer: got %+v", c)
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	if got := age(nil, now); got != "-" {
		t.Errorf("got %s for never", got)
	}
	for d, want := range map[time.Duration]string{
		-time.Hour: "0s", 0: "0s", 999 * time.Millisecond: "0s", 59 * time.Second: "59s",
		192 * time.Second: "3m12s", time.Hour: "1h0m", 25 * time.Hour: "1d1h", 240 * time.Hour: "10d0h",
	} {
		if got := age(ago(d), now); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}

// A table of any length holds few rows, and reports when it cannot be written.
func TestTableIsBounded(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	long := table{out: &out}
	for range 2*batch + 1 {
		long.row("a", "b\nc")
		if len(long.rows) > batch+1 {
			t.Fatalf("the table holds %d rows", len(long.rows))
		}
	}
	if err := long.flush(); err != nil || strings.Count(out.String(), "\n") != 2*(2*batch+1) {
		t.Errorf("got %d lines, %v", strings.Count(out.String(), "\n"), err)
	}
	full := errors.New("no space left")
	broken := table{out: writerFunc(func([]byte) (int, error) { return 0, full })}
	broken.row("a")
	if err := broken.flush(); !errors.Is(err, full) {
		t.Errorf("got error %v, want that of the output", err)
	}
}

type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

func TestReverseName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"192.0.2.1":        "1.2.0.192.in-addr.arpa",
		"::ffff:192.0.2.1": "1.2.0.192.in-addr.arpa",
		"2001:db8::1":      "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
		"192.0.2":          "",
		nodeID:             "",
	} {
		if got, ok := reverseName(text); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
