package decision

import (
	"strings"
	"testing"
)

// Shows RFC 6303 3a, 4.2, 4.3.
// Shows RFC 6761 6.3a, 6.3b.
// Shows RFC 8020 2a.
func TestLocalhost(t *testing.T) {
	const loopbackNet = "127.in-addr.arpa."
	loopback, ptr := want{kind: Loopback}, want{kind: LocalhostName}
	rows := map[string]row{
		"A":                    {"localhost", "A", loopback},
		"AAAA":                 {"LocalHost", "AAAA", loopback},
		"below it":             {"a.b.localhost", "A", loopback},
		"another type":         {"localhost", "MX", nodata(".")},
		"ANY":                  {"localhost", "ANY", anyHINFO},
		"127.0.0.1":            {"1.0.0.127.in-addr.arpa", "PTR", ptr},
		"127.0.0.1, A":         {"1.0.0.127.in-addr.arpa", "A", nodata(loopbackNet)},
		"127.0.0.1, ANY":       {"1.0.0.127.in-addr.arpa", "ANY", anyHINFO},
		"::1":                  {loopbackPTRv6.String(), "PTR", ptr},
		"another of 127/8":     {"53.0.0.127.in-addr.arpa", "PTR", nxdomain(loopbackNet)},
		"below 127.0.0.1":      {"x.1.0.0.127.in-addr.arpa", "PTR", nxdomain(loopbackNet)},
		"above 127.0.0.1":      {"0.127.in-addr.arpa", "PTR", nodata(loopbackNet)},
		"the apex of 127/8":    {"127.in-addr.arpa", "NS", server(loopbackNet)},
		"its SOA":              {"127.in-addr.arpa", "SOA", authority(loopbackNet)},
		"its DS":               {"127.in-addr.arpa", "DS", forward},
		"a DS below it":        {"0.127.in-addr.arpa", "DS", nodata(loopbackNet)},
		"the SOA of ::1":       {loopbackPTRv6.String(), "SOA", authority(loopbackPTRv6.String())},
		"another type of it":   {loopbackPTRv6.String(), "A", nodata(loopbackPTRv6.String())},
		"an end of it only":    {"xlocalhost", "TXT", forward},
		"localhost not on top": {"localhost.example.org", "A", forward},
	}
	decideAll(t, populated(t), rows)
	t.Run("not ready", func(t *testing.T) { decideAll(t, newFixture(t, local), rows) })
}

// Where the machine has no ::1, localhost has no such address, and exists.
// Shows RFC 6761 6.3d.
func TestLocalhostWithoutIPv6(t *testing.T) {
	view := populated(t).view(t)
	six := false
	view.IPv6Loopback = func() bool { return six }
	for name, r := range map[string]row{
		"A":           {"localhost", "A", want{kind: Loopback}},
		"AAAA":        {"localhost", "AAAA", nodata(".")},
		"below it":    {"a.b.localhost", "AAAA", nodata(".")},
		"ANY":         {"localhost", "ANY", anyHINFO},
		"PTR of ::1":  {loopbackPTRv6.String(), "PTR", want{kind: LocalhostName}},
		"a node's":    {both, "AAAA", addresses(both)},
		"another one": {"www.example.org", "AAAA", forward},
	} {
		q := question(t, r.name, r.qtype)
		t.Run(name, func(t *testing.T) {
			r.want.check(t, Decide(q, view))
			if n := testing.AllocsPerRun(100, func() { Decide(q, view) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
	six = true
	want{kind: Loopback}.check(t, Decide(question(t, "localhost", "AAAA"), view))
}

// Shows RFC 4035 3.1.4.1.
// Shows RFC 6303 3a, 3b, 4.2, 4.3, 4.5, 4.6.
// Shows RFC 6761 6.2, 6.4, 6.5.
// Shows RFC 6762 12, 22.1a.
// Shows RFC 7050 3.
// Shows RFC 7686 2.
// Shows RFC 8020 2a.
// Shows RFC 8375 4a.
// Shows RFC 8880 7.1a, 7.2.
// Shows RFC 9462 6.1, 6.4.
func TestSpecialUseNames(t *testing.T) {
	decideAll(t, populated(t), map[string]row{
		"invalid":              {"www.invalid", "A", nxdomain(".")},
		"invalid itself":       {"invalid", "A", nxdomain(".")},
		"onion":                {"facebook.ONION", "AAAA", nxdomain(".")},
		"test":                 {"a.b.test", "TXT", nxdomain(".")},
		"local":                {"printer.local", "A", nxdomain(".")},
		"local itself":         {"local", "SOA", nxdomain(".")},
		"alt":                  {"name.gns.alt", "A", nxdomain(".")},
		"resolver.arpa":        {"_dns.resolver.arpa", "SVCB", nodata("resolver.arpa.")},
		"resolver.arpa itself": {"resolver.arpa", "A", nodata("resolver.arpa.")},
		"link-local":           {"1.1.254.169.in-addr.arpa", "PTR", nxdomain("254.169.in-addr.arpa.")},
		"its apex":             {"254.169.in-addr.arpa", "SOA", authority("254.169.in-addr.arpa.")},
		"its NS":               {"254.169.in-addr.arpa", "NS", server("254.169.in-addr.arpa.")},
		"its DS":               {"254.169.in-addr.arpa", "DS", forward},
		"a DS below it":        {"1.254.169.in-addr.arpa", "DS", nodata("254.169.in-addr.arpa.")},
		"the DS of test":       {"test", "DS", nxdomain(".")},
		"the SOA of test":      {"test", "SOA", nxdomain(".")},
		"above addresses":      {"1.254.169.in-addr.arpa", "PTR", nodata("254.169.in-addr.arpa.")},
		"above IPv6 addresses": {"0.0.a.e.f.ip6.arpa", "PTR", nodata("a.e.f.ip6.arpa.")},
		"below an address":     {"1.1.1.254.169.in-addr.arpa", "PTR", nxdomain("254.169.in-addr.arpa.")},
		"above no address":     {"x.254.169.in-addr.arpa", "PTR", nxdomain("254.169.in-addr.arpa.")},
		"above no octet":       {"256.254.169.in-addr.arpa", "PTR", nxdomain("254.169.in-addr.arpa.")},
		"this network":         {"1.0.0.0.in-addr.arpa", "PTR", nxdomain("0.in-addr.arpa.")},
		"broadcast":            {"255.255.255.255.in-addr.arpa", "PTR", nodata("255.255.255.255.in-addr.arpa.")},
		"documentation":        {"8.b.d.0.1.0.0.2.ip6.arpa", "SOA", authority("8.b.d.0.1.0.0.2.ip6.arpa.")},
		"IPv6 link-local":      {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.a.e.f.ip6.arpa", "PTR", nxdomain("a.e.f.ip6.arpa.")},
		"documentation, IPv4":  {"1.2.0.192.in-addr.arpa", "PTR", nxdomain("2.0.192.in-addr.arpa.")},
		"the second of it":     {"1.100.51.198.in-addr.arpa", "PTR", nxdomain("100.51.198.in-addr.arpa.")},
		"the third of it":      {"1.113.0.203.in-addr.arpa", "PTR", nxdomain("113.0.203.in-addr.arpa.")},
		"no address of IPv6":   {strings.Repeat("0.", 32) + "ip6.arpa", "PTR", nodata(strings.Repeat("0.", 32) + "ip6.arpa.")},
		"link-local, first":    {"8.e.f.ip6.arpa", "NS", server("8.e.f.ip6.arpa.")},
		"link-local, second":   {"9.e.f.ip6.arpa", "NS", server("9.e.f.ip6.arpa.")},
		"link-local, last":     {"b.e.f.ip6.arpa", "NS", server("b.e.f.ip6.arpa.")},
		"not link-local":       {"7.e.f.ip6.arpa", "NS", forward},
		"home.arpa":            {"nas.home.arpa", "A", forward},
		"ipv4only.arpa":        {"ipv4only.arpa", "AAAA", forward},
		"its reverse":          {"170.0.0.192.in-addr.arpa", "PTR", forward},
		"its second reverse":   {"171.0.0.192.in-addr.arpa", "PTR", forward},
		"example":              {"www.example", "A", forward},
		"like one":             {"xtest.example.org", "A", forward},
		"public reverse":       {"1.2.3.4.in-addr.arpa", "PTR", forward},
	})
}

// Shows RFC 6303 3a, 3b, 4.1, 4.4.
// Shows RFC 6598 4.
// Shows RFC 6761 6.1.
func TestReverseOfPrivateRanges(t *testing.T) {
	names := map[string]string{
		"10/8":          "99.0.0.10.in-addr.arpa",
		"172.16/12":     "1.1.31.172.in-addr.arpa",
		"192.168/16":    "1.1.168.192.in-addr.arpa",
		"100.64/10":     "1.1.127.100.in-addr.arpa",
		"unique local":  "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa",
		"unique local ": "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.f.ip6.arpa",
	}
	apexes := map[string]string{
		"10/8": "10.in-addr.arpa", "172.16/12": "31.172.in-addr.arpa", "192.168/16": "168.192.in-addr.arpa",
		"100.64/10": "127.100.in-addr.arpa", "unique local": "d.f.ip6.arpa", "unique local ": "c.f.ip6.arpa",
	}
	for _, reach := range []Reach{ReachNone, ReachPublic, ReachPrivate} {
		rows := map[string]row{}
		for name, owner := range names {
			apex := apexes[name]
			rows[name] = row{owner, "PTR", nxdomain(apex + ".")}
			rows[name+", its SOA"] = row{apex, "SOA", authority(apex + ".")}
			rows[name+", its DS"] = row{apex, "DS", forward}
			switch reach {
			case ReachNone:
				rows[name+", its DS"] = row{apex, "DS", nodata(apex + ".")}
			case ReachPrivate:
				rows[name] = row{owner, "PTR", forward}
				rows[name+", its SOA"] = row{apex, "SOA", forward}
			}
		}
		f := populated(t)
		f.reach = reach
		decideAll(t, f, rows)
	}
	decideAll(t, populated(t), map[string]row{
		"the apex":           {"168.192.in-addr.arpa", "NS", server("168.192.in-addr.arpa.")},
		"not 172.16/12":      {"1.1.32.172.in-addr.arpa", "PTR", forward},
		"not 100.64/10":      {"1.1.128.100.in-addr.arpa", "PTR", forward},
		"not private at all": {"1.1.1.11.in-addr.arpa", "PTR", forward},
	})
	f := populated(t)
	f.reach = ReachPrivate
	if v := Decide(question(t, "99.0.0.10.in-addr.arpa", "PTR"), f.view(t)); !v.Private {
		t.Error("a private reverse name is forwarded to public upstreams")
	}
	if v := Decide(question(t, "10.in-addr.arpa", "DS"), f.view(t)); v.Private {
		t.Error("the DS of a private reverse zone is asked for below the cut")
	}
	if v := Decide(question(t, "www.example.org", "A"), f.view(t)); v.Private {
		t.Error("a public name is kept from public upstreams")
	}
}
