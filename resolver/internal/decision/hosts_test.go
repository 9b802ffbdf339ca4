package decision

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/hosts"
	"github.com/nodedns/nodedns/resolver/internal/routes"
)

// withHostsAndRoutes gives a view lines of the hosts file, and routes.
func withHostsAndRoutes(t *testing.T, view *View) *View {
	t.Helper()
	view.Hosts = hostsTable(t, "192.168.1.7 printer.local printer\n127.0.1.1 debian\n10.0.0.10 other\n10.0.0.1 old\n10.9.0.1 x.corp.example\n2001:db8::7 "+both+".corp.example\n127.0.0.1 foo\n")
	table, err := routes.New([]routes.Route[Route]{
		{Domains: []string{"lab.example", "onion"}, Target: Route{Number: 1}},
		{Domains: []string{"void.example"}, Target: Route{Number: 2, Empty: true}},
		{Domains: []string{"."}, Target: Route{Number: 3}},
		{Domains: []string{"deep.lab.example"}, Target: Route{Number: 4}},
	})
	if err != nil {
		t.Fatal(err)
	}
	view.Routes = table
	return view
}

// hostsTable is what a hosts file says.
func hostsTable(t *testing.T, lines string) *hosts.Table {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	file := hosts.New(hosts.Config{Path: path, Zone: hosts.Zone{Prefix: "metropolis-", Local: local}})
	file.Look()
	return file.Table()
}

// Shows RFC 4035 3.1.4.1.
func TestHostsAndRoutes(t *testing.T) {
	view := withHostsAndRoutes(t, populated(t).view(t))
	for _, tt := range []struct {
		name, qtype string
		kind        Kind
		rcode       int
		source      Source
		route       int
	}{
		{"printer", "A", HostAddresses, 0, SourceHosts, 0},
		{"printer", "AAAA", Negative, 0, SourceHosts, 0},
		{"printer", "MX", Forward, 0, SourceUpstream, 3},
		{"printer", "ANY", AnyType, 0, SourceHosts, 0},
		{"printer.local", "A", HostAddresses, 0, SourceHosts, 0},
		{"printer.local", "TYPE65", Negative, 0, SourceSpecial, 0},
		{"other.local", "A", Negative, dns.RcodeNameError, SourceSpecial, 0},
		{"7.1.168.192.in-addr.arpa", "PTR", HostName, 0, SourceHosts, 0},
		{"1.1.0.127.in-addr.arpa", "PTR", HostName, 0, SourceHosts, 0},
		{"1.1.0.127.in-addr.arpa", "TXT", Negative, 0, SourceSpecial, 0},
		{"2.1.0.127.in-addr.arpa", "PTR", Negative, dns.RcodeNameError, SourceSpecial, 0},
		{"1.0.0.127.in-addr.arpa", "PTR", LocalhostName, 0, SourceSpecial, 0},
		{"10.0.0.10.in-addr.arpa", "PTR", HostName, 0, SourceHosts, 0}, // overrides another node's claim
		{"10.0.0.10.in-addr.arpa", "ANY", AnyType, 0, SourceHosts, 0},
		{"10.0.0.10.in-addr.arpa", "TXT", Negative, 0, SourceZone, 0},
		{"1.0.0.10.in-addr.arpa", "PTR", NodeName, 0, SourceZone, 0}, // but not our own
		{"11.0.0.10.in-addr.arpa", "PTR", NodeName, 0, SourceZone, 0},
		{both + ".corp.example", "AAAA", HostAddresses, 0, SourceHosts, 0},
		{onlyFour + ".corp.example", "A", Negative, dns.RcodeNameError, SourceZone, 0},
		{onlyFour + ".lab.example", "A", Forward, 0, SourceUpstream, 1},
		{"www.lab.example", "A", Forward, 0, SourceUpstream, 1},
		{"x.onion", "A", Forward, 0, SourceUpstream, 1},
		{"x.invalid", "A", Negative, dns.RcodeNameError, SourceSpecial, 0},
		{"void.example", "A", Negative, dns.RcodeNameError, SourceUpstream, 0},
		// DS is the parent's. Nothing of a route without servers leaves the machine.
		{"lab.example", "DS", Forward, 0, SourceUpstream, 3},
		{"a.lab.example", "DS", Forward, 0, SourceUpstream, 1},
		{"deep.lab.example", "DS", Forward, 0, SourceUpstream, 1},
		{"deep.lab.example", "A", Forward, 0, SourceUpstream, 4},
		{"onion", "DS", Forward, 0, SourceUpstream, 1},
		{"void.example", "DS", Negative, dns.RcodeNameError, SourceUpstream, 0},
		{"printer", "DS", Forward, 0, SourceUpstream, 3},
		{"www.example.org", "A", Forward, 0, SourceUpstream, 3},
		{"scanner", "A", Negative, 0, SourceSpecial, 0},
	} {
		if tt.qtype == "TYPE65" {
			tt.qtype = "HTTPS"
		}
		q := question(t, tt.name, tt.qtype)
		v := Decide(q, view)
		if v.Kind != tt.kind || v.Rcode != tt.rcode || v.Source != tt.source || v.Route != tt.route {
			t.Errorf("%s %s: %+v", tt.name, tt.qtype, v)
		}
		if n := testing.AllocsPerRun(50, func() { Decide(q, view) }); n != 0 {
			t.Errorf("%s: %v allocs", tt.name, n)
		}
	}
}

// A domain of the search list below local is an ordinary one, with servers of its
// own; local itself and other domains there stay special.
// Shows RFC 6762 22.1a, 22.1b.
func TestSearchedBelowLocal(t *testing.T) {
	f := populated(t)
	f.search = []string{"corp.local"}
	view := f.view(t)
	table, err := routes.New([]routes.Route[Route]{{Domains: []string{"corp.local"}, Target: Route{Number: 1, Searched: true}}})
	if err != nil {
		t.Fatal(err)
	}
	view.Routes = table
	for _, tt := range []struct {
		name, qtype string
		kind        Kind
		step        Step
	}{
		{"db.corp.local", "A", Forward, StepRoutes},
		{"corp.local", "SOA", Forward, StepRoutes},
		{"corp.local", "DS", Forward, StepRoutes},
		{"_ldap._tcp.dc._msdcs.corp.local", "SRV", Forward, StepRoutes},
		{"local", "SOA", Negative, StepSpecialUse},
		{"printer.local", "A", Negative, StepSpecialUse},
		{"xcorp.local", "A", Negative, StepSpecialUse},
		{both + ".corp.local", "A", Negative, StepSearchList}, // as with any domain of the list
		{both, "A", Addresses, StepNodes},
	} {
		v := Decide(question(t, tt.name, tt.qtype), view)
		if v.Kind != tt.kind || v.Step != tt.step {
			t.Errorf("%s %s: %+v", tt.name, tt.qtype, v)
		}
		if forwarded := v.Kind == Forward; forwarded != (v.Searched && v.Site && v.Route == 1) || forwarded != (v.Reason == v.Forwarding()) {
			t.Errorf("%s %s: %+v", tt.name, tt.qtype, v)
		}
	}
}

// With nobody above the cut, a route's servers are asked for its DS too, and may
// say what is behind their aliases.
func TestRouteAlone(t *testing.T) {
	f := populated(t)
	f.reach = ReachNone
	view := f.view(t)
	table, err := routes.New([]routes.Route[Route]{{Domains: []string{"lab.example"}, Target: Route{Number: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	view.Routes = table
	v := Decide(question(t, "lab.example", "DS"), view)
	if v.Kind != Forward || v.Route != 1 {
		t.Errorf("got %+v", v)
	}
	for name, want := range map[string]bool{"www.lab.example": true, "www.example.org": true, "com": false, both: false, stranger: false, "x.invalid": false} {
		if got := v.Covers(question(t, name, "A").Name, view); got != want {
			t.Errorf("%s, which nobody else may have: %t", name, got)
		}
	}
}

func TestCovers(t *testing.T) {
	f := populated(t)
	f.reach = ReachPrivate
	view := withHostsAndRoutes(t, f.view(t))
	for _, tt := range []struct {
		from string
		name string
		want bool
	}{
		{"www.example.org", "www.example.net", true},
		{"www.example.org", ".", true},
		{"www.example.org", "com", false},
		{"www.example.org", both, false},
		{"www.example.org", stranger, false},
		{"www.example.org", "www." + both, false},
		{"www.example.org", "nodes.example", false},
		{"www.example.org", "x.nodes.example", false},
		{"www.example.org", both + ".corp.example", false},
		{"www.example.org", "localhost", false},
		{"www.example.org", "x.localhost", false},
		{"www.example.org", "1.0.0.127.in-addr.arpa", false},
		{"www.example.org", "10.0.0.10.in-addr.arpa", false},
		{"www.example.org", "printer", false},
		{"www.example.org", "x.corp.example", false},
		{"www.example.org", "y.corp.example", true},
		{"www.example.org", "www.lab.example", false},
		{"www.example.org", "void.example", false},
		{"www.example.org", "x.invalid", false},
		{"www.example.org", "x.local", false},
		{"www.example.org", "1.1.254.169.in-addr.arpa", false},
		{"www.example.org", "99.9.9.10.in-addr.arpa", false},
		{"98.9.9.10.in-addr.arpa", "99.9.9.10.in-addr.arpa", true},
		{"98.9.9.10.in-addr.arpa", "www.example.org", false},
		{"www.lab.example", "lab.example", true},
		{"www.lab.example", "x.onion", true},
		{"www.lab.example", "deep.lab.example", false},
		{"www.lab.example", "www.example.org", false},
		{"www.lab.example", both, false},
	} {
		v := Decide(question(t, tt.from, "PTR"), view)
		if got := v.Covers(question(t, tt.name, "A").Name, view); got != tt.want {
			t.Errorf("from %s to %s: %t", tt.from, tt.name, got)
		}
	}
}
