package upstream

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

func ours(addr netip.Addr) bool { return addr.String() == "192.88.7.7" || addr.String() == "2600::7" }

// Shows RFC 7050 8.2.
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
		"multicast":           {"A 224.0.0.251", "224.0.0.251"},
		"multicast, the last": {"A 239.255.255.255", "239.255.255.255"},
		"IPv6 multicast":      {"AAAA ff02::1", "ff02::1"},
		"IPv6 loopback":       {"AAAA ::1", "::1"},
		"unique local":        {"AAAA fd00::1", "fd00::1"},
		"IPv6 link-local":     {"AAAA fe80::1", "fe80::1"},
		"mapped":              {"AAAA ::ffff:10.0.0.1", "10.0.0.1"},
		"compatible":          {"AAAA ::10.0.0.1", "::a00:1"},
		"translated":          {"AAAA 64:ff9b::10.0.0.1", "64:ff9b::a00:1"},
		"translated, public":  {"AAAA 64:ff9b::192.88.1.1", ""},
		"6to4":                {"AAAA 2002:c0a8:0001::1", "2002:c0a8:1::1"},
		"Teredo":              {"AAAA 2001:0:c058:6301::3fff:f5fe:fdfc", "2001:0:c058:6301:0:3fff:f5fe:fdfc"},
		"Teredo, public":      {"AAAA 2001:0:c058:6301::3fff:3fa7:fefe", ""},
		"Teredo's server":     {"AAAA 2001:0:a00:1::3fff:3fa7:fefe", "2001:0:a00:1:0:3fff:3fa7:fefe"},
		"ISATAP":              {"AAAA 2600::5efe:10.0.0.1", "2600::5efe:a00:1"},
		"ISATAP, universal":   {"AAAA 2600::200:5efe:192.168.0.1", "2600::200:5efe:c0a8:1"},
		"ISATAP, public":      {"AAAA 2600::5efe:192.88.1.1", ""},
		"IPv4-translated":     {"AAAA ::ffff:0:10.0.0.1", "::ffff:0:a00:1"},
		"for NAT64":           {"A 192.0.0.170", ""},
		"for NAT64, second":   {"A 192.0.0.171", ""},
		"for NAT64, found":    {"AAAA 64:ff9b::192.0.0.170", ""},
		"beside it":           {"A 192.0.0.169", "192.0.0.169"},
		"ours":                {"A 192.88.7.7", "192.88.7.7"},
		"ours, IPv6":          {"AAAA 2600::7", "2600::7"},
		"ours, translated":    {"AAAA 64:ff9b::192.88.7.7", "64:ff9b::c058:707"},
		"ours, by 6to4":       {"AAAA 2002:c058:707::1", "2002:c058:707::1"},
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
				addr, found := Rebinds(m, ours)
				if found != (tt.want != "") || found && addr.String() != tt.want {
					t.Errorf("in %s: got %v, %t; want %q", place, addr, found, tt.want)
				}
			}
		})
	}
}

// Hints count in records that the library does not read too.
func TestRebindsByOctets(t *testing.T) {
	for rdata, want := range map[string]string{
		"000100" + "00060010" + "00000000000000000000ffff0a000001":                           "10.0.0.1",  // mapped
		"000100" + "00060010" + "26000000000000000000000000000001" + "00040004" + "0a000001": "10.0.0.1",  // not sorted
		"000100" + "00040008" + "c05801017f000001" + "00040000":                              "127.0.0.1", // a key twice
		"000103777777" + "00" + "00040006" + "0a0000010a00":                                  "10.0.0.1",  // and a half
		"000100" + "00040004" + "c0580101" + "00040000":                                      "",
		"000100" + "00010004" + "0a000001" + "00010000":                                      "", // another key
		"000100" + "0004ffff" + "0a000001":                                                   "10.0.0.1",
		"000100" + "0004":                                                                    "",
		"0001":                                                                               "",
		"":                                                                                   "",
	} {
		for _, rrtype := range []uint16{dns.TypeSVCB, dns.TypeHTTPS, 65400} {
			m := new(dns.Msg).SetReply(query("www.Example."))
			m.Answer = []dns.RR{&dns.RFC3597{Hdr: dns.RR_Header{Name: "www.example.", Rrtype: rrtype, Class: dns.ClassINET}, Rdata: rdata}}
			addr, found := Rebinds(m, ours)
			if wanted := want != "" && rrtype != 65400; found != wanted || found && addr.String() != want {
				t.Errorf("%v %s: got %v, %t; want %q", dns.Type(rrtype), rdata, addr, found, want)
			}
		}
	}
}
