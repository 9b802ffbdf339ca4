package decision

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

// More nodes, for readable names.
const (
	twin      = "metropolis-0000000000000000000000000000001a" // "twins" is claimed by it
	otherTwin = "metropolis-0000000000000000000000000000001b" // and by it
)

// named is a populated zone whose nodes have readable names, of the cluster and of
// files.
func named(t testing.TB) *fixture {
	t.Helper()
	f := populated(t)
	f.source.Begin()
	f.source.Set(
		zone.Entry{ID: local, Names: []string{"self"}},
		zone.Entry{ID: both, Addresses: testkit.Addrs("10.0.0.10", "2001:db9::a"), Names: []string{"web-2"}},
		zone.Entry{ID: onlyFour, Addresses: testkit.Addrs("10.0.0.11"), Names: []string{"mail"}},
		zone.Entry{ID: noAddr, Names: []string{"blank"}},
		zone.Entry{ID: gone, Addresses: testkit.Addrs("10.0.0.13"), Names: []string{"old"}},
		zone.Entry{ID: twin, Addresses: testkit.Addrs("10.0.0.26"), Names: []string{"twins"}},
		zone.Entry{ID: otherTwin, Addresses: testkit.Addrs("10.0.0.27"), Names: []string{"twins"}},
	)
	f.source.Complete()
	f.source.Gone(gone)
	return f
}

// withFile adds a file of nodes.
func (f *fixture) withFile(entries ...zone.Entry) *fixture {
	files := f.FileSource("files")
	files.Expect(true)
	files.Begin()
	files.Set(entries...)
	files.Complete()
	return f
}

// filed is a named zone with a file.
func filed(t testing.TB) *fixture {
	t.Helper()
	return named(t).withFile(
		zone.Entry{ID: "db", Addresses: testkit.Addrs("10.0.1.1", "2001:db9::1:1")},
		zone.Entry{ID: "www.bank.example", Addresses: testkit.Addrs("10.0.1.2")},
		zone.Entry{ID: "a.nodes.example", Addresses: testkit.Addrs("10.0.1.3")},
		zone.Entry{ID: "b.rack.nodes.example", Addresses: testkit.Addrs("10.0.1.4")},
		zone.Entry{ID: onlyFour, Names: []string{"store", "s1.dc"}},
	)
}

const (
	sinceText   = "since 2026-03-04T05:06:07Z"
	rivalryText = "the name is claimed by both " + twin + " and " + otherTwin
)

// contested is the reply to a name that two nodes claim.
func contested() want {
	return want{kind: Bare, rcode: dns.RcodeServerFailure}.saying(dns.ExtendedErrorCodeOther, rivalryText)
}

// A name is answered as an ID is, bare and below each local domain.
// Shows RFC 8914 4.1.
func TestReadableNamesAreAnsweredAsIDs(t *testing.T) {
	stale := func(w want) want { return w.saying(dns.ExtendedErrorCodeStaleAnswer, sinceText) }
	for name, below := range map[string]string{"bare": "", "below a domain": ".nodes.example", "below an inner one": ".Deep.Nodes.Example"} {
		soa := strings.ToLower(strings.TrimPrefix(below, ".")) + "."
		t.Run(name, func(t *testing.T) {
			decideAll(t, filed(t), map[string]row{
				"A":                          {"web-2" + below, "A", addresses(both)},
				"AAAA":                       {"web-2" + below, "AAAA", addresses(both)},
				"in capitals":                {strings.ToUpper("web-2" + below), "A", addresses(both)},
				"TXT":                        {"web-2" + below, "TXT", want{kind: Text, node: both}},
				"ANY":                        {"web-2" + below, "ANY", anyHINFO.of(both)},
				"another type":               {"web-2" + below, "MX", nodata(soa).of(both)},
				"the family that it lacks":   {"mail" + below, "AAAA", nodata(soa).of(onlyFour)},
				"without an address":         {"blank" + below, "A", nodata(soa).of(noAddr)},
				"our own":                    {"self" + below, "A", addresses(local)},
				"departed":                   {"old" + below, "A", stale(addresses(gone))},
				"contested":                  {"twins" + below, "A", contested()},
				"contested, another type":    {"twins" + below, "MX", contested()},
				"contested, ANY":             {"twins" + below, "ANY", contested()},
				"a free ID":                  {"db" + below, "A", addresses("db")},
				"a free ID, TXT":             {"db" + below, "TXT", want{kind: Text, node: "db"}},
				"a file's for a node":        {"store" + below, "A", addresses(onlyFour)},
				"several labels":             {"s1.dc" + below, "A", addresses(onlyFour)},
				"a free ID of several":       {"www.bank.example" + below, "A", addresses("www.bank.example")},
				"the same without a record":  {"www.bank.example" + below, "AAAA", nodata(soa).of("www.bank.example")},
				"below a file's":             {"x.db" + below, "A", nxdomain(soa)},
				"far below a file's":         {"x.y.store" + below, "TXT", nxdomain(soa)},
				"a file's, type of a zone":   {"db" + below, "NS", nodata(soa).of("db")},
				"a file's with our node's A": {"store" + below, "A", addresses(onlyFour)},
			})
		})
	}
	t.Run("cluster lost", func(t *testing.T) {
		f := filed(t)
		f.source.SetConnected(false)
		f.clock += 61 * time.Second
		decideAll(t, f, map[string]row{
			"bare":    {"web-2", "A", stale(addresses(both))},
			"below":   {"web-2.nodes.example", "A", stale(addresses(both))},
			"our own": {"self", "A", addresses(local)},
		})
	})
}

// What is claimed below and around names.
// Shows RFC 4343 2.1.
// Shows RFC 8020 2a.
func TestAroundReadableNames(t *testing.T) {
	decideAll(t, filed(t), map[string]row{
		"below a cluster's":             {"x.web-2", "A", forward},
		"below one in a domain":         {"x.web-2.nodes.example", "A", nxdomain("nodes.example.")},
		"above one of several labels":   {"bank.example", "A", forward},
		"beside it":                     {"ftp.bank.example", "A", forward},
		"below it":                      {"x.www.bank.example", "A", forward},
		"the last label of several":     {"dc", "A", nodata(".")},
		"beside it in a domain":         {"ftp.bank.example.nodes.example", "A", nxdomain("nodes.example.")},
		"above it in a domain":          {"bank.example.nodes.example", "A", nodata("nodes.example.")},
		"far above it":                  {"example.nodes.example", "MX", nodata("nodes.example.")},
		"the last label in a domain":    {"dc.nodes.example", "A", nodata("nodes.example.")},
		"the last label, ANY":           {"dc.nodes.example", "ANY", anyHINFO},
		"written with the domain":       {"a.nodes.example", "A", addresses("a.nodes.example")},
		"written with it, several":      {"b.rack.nodes.example", "A", addresses("b.rack.nodes.example")},
		"above one that is written so":  {"rack.nodes.example", "A", nodata("nodes.example.")},
		"of which the domain is no end": {"a.nodes.example.nodes.example", "A", addresses("a.nodes.example")},
		"not its first label":           {"a", "A", nodata(".")},
		"an escaped dot":                {`www\.bank.example`, "A", forward},
		"an escaped dot in a domain":    {`s1\.dc.nodes.example`, "A", nxdomain("nodes.example.")},
		"no name at all":                {"web-3", "A", nodata(".")},
		"no name, another type":         {"web-3", "MX", forward},
		"no name in a domain":           {"web-3.nodes.example", "A", nxdomain("nodes.example.")},
		"the root":                      {".", "NS", forward},
		"the group of a role":           {"role.nodes.example", "A", nodata("nodes.example.")},
	})
}

// The types of a zone's apex at a single label are those of a top-level domain, which
// no node of a cluster takes over.
func TestClusterNamesLeaveTopLevelDomains(t *testing.T) {
	decideAll(t, named(t), map[string]row{
		"NS": {"mail", "NS", forward}, "SOA": {"mail", "SOA", forward}, "DS": {"mail", "DS", forward}, "DNSKEY": {"mail", "DNSKEY", forward},
		"MX": {"mail", "MX", nodata(".").of(onlyFour)}, "in a domain": {"mail.nodes.example", "NS", nodata("nodes.example.").of(onlyFour)},
	})
}

// Before all nodes are known an unknown name below a local domain is not denied.
func TestReadableNamesBeforeReady(t *testing.T) {
	f := newFixture(t, local).withFile(zone.Entry{ID: "db", Addresses: testkit.Addrs("10.0.1.1"), Names: []string{"x.y"}})
	f.source.Expect(true)
	decideAll(t, f, map[string]row{
		"a file's":              {"db", "A", addresses("db")},
		"a file's in a domain":  {"db.nodes.example", "A", addresses("db")},
		"unknown in a domain":   {"web-2.nodes.example", "A", notYet},
		"below a file's":        {"x.db", "A", notYet},
		"above a file's":        {"y.nodes.example", "A", nodata("nodes.example.")},
		"unknown":               {"web-2", "A", nodata(".")},
		"with a search domain":  {"db.corp.example", "A", nxdomain(".")},
		"a cluster's with that": {"web-2.corp.example", "A", forward},
	})
}

// Our own node has its names before it has an address.
func TestOurReadableNameWithoutAnAddress(t *testing.T) {
	f := newFixture(t, local).withFile(zone.Entry{ID: local, Names: []string{"self"}})
	early := want{kind: Negative, soa: ".", node: local}.saying(dns.ExtendedErrorCodeNotReady, "our own address is not known yet")
	decideAll(t, f, map[string]row{
		"A":   {"self", "A", early},
		"TXT": {"self", "TXT", want{kind: Text, node: local}},
	})
}

// Only a name of a file is kept from the search list: a cluster's stands behind it.
func TestReadableNamesWithADomainOfTheSearchList(t *testing.T) {
	decideAll(t, filed(t), map[string]row{
		"a file's":                 {"db.corp.example", "A", nxdomain(".")},
		"any type":                 {"DB.Lab.Example", "MX", nxdomain(".")},
		"of several labels":        {"www.bank.example.corp.example", "AAAA", nxdomain(".")},
		"a cluster's":              {"web-2.corp.example", "A", forward},
		"contested":                {"twins.corp.example", "A", forward},
		"below a file's":           {"x.db.corp.example", "A", forward},
		"the last label of one":    {"dc.corp.example", "A", forward},
		"a file's, another":        {"db.other.example", "A", forward},
		"a file's for a cluster's": {"store.corp.example", "A", nxdomain(".")},
	})
	view := withHostsAndRoutes(t, named(t).withFile(
		zone.Entry{ID: "x", Addresses: testkit.Addrs("10.0.1.1")},
		zone.Entry{ID: "y.corp.example", Addresses: testkit.Addrs("10.0.1.2")},
		zone.Entry{ID: "y", Addresses: testkit.Addrs("10.0.1.3")},
	).view(t))
	for name, step := range map[string]Step{
		"x.corp.example": StepHostLines, "x.lab.example": StepRoutes, "y.corp.example": StepFileNames,
		"web-2.lab.example": StepRoutes, "y.lab.example": StepRoutes,
	} {
		if v := Decide(question(t, name, "A"), view); v.Step != step {
			t.Errorf("%s is settled by %v, want %v", name, v.Step, step)
		}
	}
}

// The order in which names of the two origins, lines of the hosts file, routes and
// special-use names are found.
func TestPlacesOfReadableNames(t *testing.T) {
	f := named(t).withFile(
		zone.Entry{ID: "printer", Addresses: testkit.Addrs("10.0.1.1")},
		zone.Entry{ID: "x.lab.example", Addresses: testkit.Addrs("10.0.1.2")},
		zone.Entry{ID: "web.internal", Addresses: testkit.Addrs("10.0.1.3")},
		zone.Entry{ID: "mail", Addresses: testkit.Addrs("10.0.1.4")},
	)
	view := withHostsAndRoutes(t, f.view(t))
	for _, tt := range []struct {
		name, qtype string
		want        Step
		node        zone.ID
	}{
		{"printer", "A", StepHostLines, ""},
		{"printer", "MX", StepFileNames, "printer"},
		{"printer.nodes.example", "A", StepNodes, "printer"},
		{"x.lab.example", "A", StepFileNames, "x.lab.example"},
		{"y.lab.example", "A", StepRoutes, ""},
		{"web.internal", "A", StepFileNames, "web.internal"},
		{"web-2", "A", StepClusterNames, both},
		{"web-2.nodes.example", "A", StepNodes, both},
		{"mail", "A", StepFileNames, "mail"}, // and not the node that calls itself so
		{"mail.nodes.example", "A", StepNodes, "mail"},
		{"twins", "A", StepClusterNames, ""},
		{"twins.nodes.example", "A", StepNodes, ""},
		{"scanner", "A", StepSingleLabel, ""},
	} {
		v := Decide(question(t, tt.name, tt.qtype), view)
		if v.Step != tt.want || v.Node.ID() != tt.node {
			t.Errorf("%s %s: settled by %v, node %q; want %v, %q", tt.name, tt.qtype, v.Step, v.Node.ID(), tt.want, tt.node)
		}
		for step := range v.Step {
			if v.Passed(step) == "" {
				t.Errorf("nothing is said of passing %v", step)
			}
		}
	}
}

// A cluster can take over no name of a site by an alias that leads to a bare label;
// a file's name is the operator's, also behind an alias.
func TestAliasesToReadableNames(t *testing.T) {
	view := filed(t).view(t)
	for name, want := range map[string]Step{
		"mail": StepSingleLabel, "web-2": StepSingleLabel, "twins": StepSingleLabel,
		"mail.nodes.example": StepNodes, "db": StepFileNames, "www.bank.example": StepFileNames,
	} {
		q := question(t, name, "A")
		q.Aliased = true
		if v := Decide(q, view); v.Step != want {
			t.Errorf("%s is settled by %v, want %v", name, v.Step, want)
		}
	}
	forwarded := Decide(question(t, "www.example.org", "A"), view)
	for name, want := range map[string]bool{
		"www.example.net": true, "ftp.bank.example": true,
		"mail": false, "db": false, "x.db": false, "www.bank.example": false, "web-2.nodes.example": false, "db.corp.example": false,
	} {
		if got := forwarded.Covers(question(t, name, "A").Name, view); got != want {
			t.Errorf("that the upstreams have %s: %t", name, got)
		}
	}
}

// Debian gives the hostname the address 127.0.1.1; that is better than nothing, and
// worse than what the other nodes see.
func TestLoopbackLineOfOurOwnName(t *testing.T) {
	lines := "127.0.1.1 self\n127.0.1.1 named.file\n127.0.1.1 web-2\n127.0.1.1 half\n192.0.2.7 half\n::1 six\n"
	file := zone.Entry{ID: local, Names: []string{"named.file", "half", "six"}}
	for name, tt := range map[string]struct {
		fixture *fixture
		want    map[string]Step
	}{
		"an address is known": {named(t).withFile(file), map[string]Step{
			"self": StepClusterNames, "named.file": StepFileNames, "six": StepFileNames,
			"web-2": StepHostLines, "half": StepHostLines, // another node's, and no loopback line
		}},
		"none is known yet": {newFixture(t, local).withFile(file), map[string]Step{
			"self": StepHostLines, "named.file": StepHostLines, "six": StepHostLines, "half": StepHostLines,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			view := tt.fixture.view(t)
			view.Hosts = hostsTable(t, lines)
			for name, want := range tt.want {
				q := question(t, name, "A")
				v := Decide(q, view)
				if v.Step != want || v.OwnLine != (want != StepHostLines) {
					t.Errorf("%s is settled by %v, its line stands behind the zone: %t", name, v.Step, v.OwnLine)
				}
				if n := testing.AllocsPerRun(50, func() { Decide(q, view) }); n != 0 {
					t.Errorf("%s: %v allocations", name, n)
				}
			}
			if v := Decide(question(t, "1.1.0.127.in-addr.arpa", "PTR"), view); v.Kind != HostName {
				t.Errorf("the address of the line is settled by %v", v.Step)
			}
		})
	}
}

// A cluster that is lost makes its own nodes' answers stale, and no file's.
func TestFilesAreNeverLost(t *testing.T) {
	f := lost(t, 2*zone.LostAfter).withFile(
		zone.Entry{ID: "db", Addresses: testkit.Addrs("10.0.1.1")},
		zone.Entry{ID: onlyFour, Names: []string{"store"}},
	)
	since := "since " + wallClock.Format(time.RFC3339)
	decideAll(t, f, map[string]row{
		"a node of a file":                 {"db", "A", addresses("db")},
		"a node of the cluster":            {both, "A", addresses(both).saying(dns.ExtendedErrorCodeStaleAnswer, since)},
		"one of the cluster, named by one": {"store", "A", addresses(onlyFour).saying(dns.ExtendedErrorCodeStaleAnswer, since)},
	})
}

// What a route has below a file's name is the route's.
func TestRouteBelowAFilesName(t *testing.T) {
	f := populated(t).withFile(zone.Entry{ID: "db", Addresses: testkit.Addrs("10.0.1.2")},
		zone.Entry{ID: "example", Addresses: testkit.Addrs("10.0.1.3")})
	view := withHostsAndRoutes(t, f.view(t))
	for name, want := range map[string]want{
		"www.db": nxdomain("."), "www.example": nxdomain("."), "www.lab.example": forward, "example": addresses("example"),
	} {
		want.check(t, Decide(question(t, name, "A"), view))
	}
}
