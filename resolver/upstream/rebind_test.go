package upstream

import (
	"testing"

	"github.com/miekg/dns"
)

func TestRebinds(t *testing.T) {
	tests := map[string]struct {
		record string
		want   string
	}{
		"public IPv4":         {"A 192.88.1.1", ""},
		"public IPv6":         {"AAAA 2600::1", ""},
		"private":             {"A 10.1.2.3", "10.1.2.3"},
		"loopback":            {"A 127.0.0.53", "127.0.0.53"},
		"link-local":          {"A 169.254.169.254", "169.254.169.254"},
		"this host":           {"A 0.0.0.0", "0.0.0.0"},
		"provider's NAT":      {"A 100.64.0.1", "100.64.0.1"},
		"broadcast":           {"A 255.255.255.255", "255.255.255.255"},
		"IPv6 loopback":       {"AAAA ::1", "::1"},
		"unique local":        {"AAAA fd00::1", "fd00::1"},
		"IPv6 link-local":     {"AAAA fe80::1", "fe80::1"},
		"mapped":              {"AAAA ::ffff:10.0.0.1", "10.0.0.1"},
		"compatible":          {"AAAA ::10.0.0.1", "::a00:1"},
		"translated":          {"AAAA 64:ff9b::10.0.0.1", "64:ff9b::a00:1"},
		"translated, public":  {"AAAA 64:ff9b::192.88.1.1", ""},
		"6to4":                {"AAAA 2002:c0a8:0001::1", "2002:c0a8:1::1"},
		"hint":                {"HTTPS 1 . ipv4hint=192.168.0.1", "192.168.0.1"},
		"second hint":         {"SVCB 1 . ipv6hint=2600::1,::1", "::1"},
		"another type's data": {"TXT 10.0.0.1", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rr, err := dns.NewRR("elsewhere.example. 60 IN " + tt.record)
			if err != nil {
				t.Fatal(err)
			}
			for _, place := range []string{"answer", "additional"} {
				m := new(dns.Msg).SetReply(query("www.Example."))
				if place == "answer" {
					m.Answer = []dns.RR{rr}
				} else {
					m.Extra = []dns.RR{rr}
				}
				addr, found := Rebinds(m)
				if found != (tt.want != "") || found && addr.String() != tt.want {
					t.Errorf("in %s: got %v, %t; want %q", place, addr, found, tt.want)
				}
			}
		})
	}
}
