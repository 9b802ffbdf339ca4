package decision

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/hosts"
)

func TestHostsLines(t *testing.T) {
	f := populated(t)
	view := f.view(t)
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte("192.168.1.7 printer.local printer\n127.0.1.1 debian\n10.0.0.10 other\n10.9.0.1 x.corp.example\n2001:db8::7 "+both+".corp.example\n127.0.0.1 foo\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := hosts.New(hosts.Config{Path: path, Zone: hosts.Zone{Prefix: "metropolis-", Local: local}})
	file.Look()
	view.Hosts = file.Table()
	for _, tt := range []struct {
		name, qtype string
		kind        Kind
		rcode       int
		source      Source
	}{
		{"printer", "A", HostAddresses, 0, SourceHosts},
		{"printer", "AAAA", Negative, 0, SourceHosts},
		{"printer", "MX", Forward, 0, SourceUpstream},
		{"printer", "ANY", AnyType, 0, SourceHosts},
		{"printer.local", "A", HostAddresses, 0, SourceHosts},
		{"printer.local", "TYPE65", Negative, 0, SourceSpecial},
		{"other.local", "A", Negative, dns.RcodeNameError, SourceSpecial},
		{"7.1.168.192.in-addr.arpa", "PTR", HostName, 0, SourceHosts},
		{"1.1.0.127.in-addr.arpa", "PTR", HostName, 0, SourceHosts},
		{"1.1.0.127.in-addr.arpa", "TXT", Negative, 0, SourceSpecial},
		{"2.1.0.127.in-addr.arpa", "PTR", Negative, dns.RcodeNameError, SourceSpecial},
		{"1.0.0.127.in-addr.arpa", "PTR", LocalhostName, 0, SourceSpecial},
		{"10.0.0.10.in-addr.arpa", "PTR", NodeName, 0, SourceZone},
		{both + ".corp.example", "AAAA", HostAddresses, 0, SourceHosts},
		{onlyFour + ".corp.example", "A", Negative, dns.RcodeNameError, SourceZone},
		{"x.invalid", "A", Negative, dns.RcodeNameError, SourceSpecial},
		{"www.example.org", "A", Forward, 0, SourceUpstream},
		{"scanner", "A", Negative, 0, SourceSpecial},
	} {
		if tt.qtype == "TYPE65" {
			tt.qtype = "HTTPS"
		}
		q := question(t, tt.name, tt.qtype)
		v := Decide(q, view)
		if v.Kind != tt.kind || v.Rcode != tt.rcode || v.Source != tt.source {
			t.Errorf("%s %s: %+v", tt.name, tt.qtype, v)
		}
		if n := testing.AllocsPerRun(50, func() { Decide(q, view) }); n != 0 {
			t.Errorf("%s: %v allocs", tt.name, n)
		}
	}
}
