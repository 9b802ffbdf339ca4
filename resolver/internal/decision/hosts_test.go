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
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte("192.168.1.7 printer.local printer\n127.0.1.1 debian\n10.0.0.10 other\n10.0.0.1 old\n10.9.0.1 x.corp.example\n2001:db8::7 "+both+".corp.example\n127.0.0.1 foo\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := hosts.New(hosts.Config{Path: path, Zone: hosts.Zone{Prefix: "metropolis-", Local: local}})
	file.Look()
	view.Hosts = file.Table()
	table, err := routes.New([]routes.Route[Route]{
		{Domains: []string{"lab.example", "onion"}, Target: Route{Number: 1}},
		{Domains: []string{"void.example"}, Target: Route{Number: 2, Empty: true}},
		{Domains: []string{"."}, Target: Route{Number: 3}},
	})
	if err != nil {
		t.Fatal(err)
	}
	view.Routes = table
	return view
}

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
