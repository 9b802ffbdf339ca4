package decision

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

// want is the part of a verdict that can be written down.
type want struct {
	kind  Kind
	rcode int
	node  zone.ID
	soa   string // "" for a verdict without SOA
	min   uint32
	ede   uint16
	text  string
}

func (w want) check(t *testing.T, v Verdict) {
	t.Helper()
	got := want{kind: v.Kind, rcode: v.Rcode, node: v.Node.ID(), min: v.Minimum, ede: v.Error.Code}
	if v.Kind == Negative || v.Kind == ZoneAuthority || v.Kind == ZoneServer {
		got.soa = v.SOA.String()
	}
	if got.text = v.Error.Message(); w.text == "" {
		got.text = ""
	}
	if got != w {
		t.Errorf("got  %+v\nwant %+v", got, w)
	}
	if v.Reason == "" {
		t.Error("the verdict gives no reason")
	}
	ours := v.Kind != Forward && v.Kind != Bare
	if v.Authoritative != ours {
		t.Errorf("authoritative: %t, want %t", v.Authoritative, ours)
	}
	if withRecords := ours && v.Kind != Negative; withRecords && v.TTL != 10 {
		t.Errorf("TTL %d, want 10", v.TTL)
	}
}

// The expectations that recur.
func nodata(soa string) want { return want{kind: Negative, soa: soa, min: 10} }

func nxdomain(soa string) want {
	return want{kind: Negative, rcode: dns.RcodeNameError, soa: soa, min: 10}
}

// authority and server are the two records of a zone of ours itself.
func authority(zone string) want { return want{kind: ZoneAuthority, soa: zone, min: 10} }
func server(zone string) want    { return want{kind: ZoneServer, soa: zone, min: 10} }

func addresses(id zone.ID) want {
	return want{kind: Addresses, node: id}
}

func (w want) of(id zone.ID) want { w.node = id; return w }
func (w want) saying(ede uint16, text string) want {
	w.ede, w.text = ede, text
	return w
}

var (
	forward  = want{kind: Forward}
	notYet   = want{kind: Bare, rcode: dns.RcodeServerFailure, ede: dns.ExtendedErrorCodeNotReady}
	anyHINFO = want{kind: AnyType}
)

type row struct {
	name, qtype string
	want        want
}

func decideAll(t *testing.T, f *fixture, rows map[string]row) {
	t.Helper()
	view := f.view(t)
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			r.want.check(t, Decide(question(t, r.name, r.qtype), view))
		})
	}
}

// Shows RFC 1034 3.1.
// Shows RFC 8482 4.2.
func TestAddressesOfANodeInTheZone(t *testing.T) {
	decideAll(t, populated(t), map[string]row{
		"A":                         {both, "A", addresses(both)},
		"AAAA":                      {both, "AAAA", addresses(both)},
		"any letter case":           {strings.ToUpper(both), "A", addresses(both)},
		"our own":                   {local, "A", addresses(local)},
		"under a local domain":      {both + ".nodes.example", "A", addresses(both)},
		"under one below another":   {both + ".Deep.Nodes.Example", "AAAA", addresses(both)},
		"which has no CH, but ANY":  {both, "ANY", anyHINFO.of(both)},
		"ANY under a local domain":  {both + ".nodes.example", "ANY", anyHINFO.of(both)},
		"a node without an address": {noAddr, "ANY", anyHINFO.of(noAddr)},
	})
}

func TestOtherTypesAndMissingFamilies(t *testing.T) {
	decideAll(t, populated(t), map[string]row{
		"the family that it lacks": {onlyFour, "AAAA", nodata(".").of(onlyFour)},
		"MX":                       {both, "MX", nodata(".").of(both)},
		"SOA":                      {both, "SOA", nodata(".").of(both)},
		"PTR":                      {both, "PTR", nodata(".").of(both)},
		"no address known":         {noAddr, "A", nodata(".").of(noAddr)},
		"our own MX":               {local, "MX", nodata(".").of(local)},
		"our own AAAA":             {local, "AAAA", nodata(".").of(local)},
		"under a local domain":     {onlyFour + ".nodes.example", "AAAA", nodata("nodes.example.").of(onlyFour)},
		"of the innermost domain":  {onlyFour + ".deep.nodes.example", "AAAA", nodata("deep.nodes.example.").of(onlyFour)},
	})
}

// Shows RFC 8482 4.2.
func TestOurOwnNameWithoutAnAddress(t *testing.T) {
	early := want{kind: Negative, soa: ".", node: local, ede: dns.ExtendedErrorCodeNotReady}
	early.text = "our own address is not known yet"
	inDomain := early
	inDomain.soa = "nodes.example."
	decideAll(t, newFixture(t, local), map[string]row{
		"A":                    {local, "A", early},
		"AAAA":                 {local, "AAAA", early},
		"MX":                   {local, "MX", early},
		"TXT":                  {local, "TXT", want{kind: Text, node: local}},
		"ANY":                  {local, "ANY", anyHINFO.of(local)},
		"under a local domain": {local + ".nodes.example", "A", inDomain},
	})
}

func TestFreelyChosenOwnName(t *testing.T) {
	f := newFixture(t, "gateway")
	decideAll(t, f, map[string]row{
		"without an address": {"gateway", "A", want{
			kind: Negative, soa: ".", node: "gateway", ede: dns.ExtendedErrorCodeNotReady,
		}},
		"another single label": {"gateways", "A", nodata(".")},
		// Only names of node-ID shape are kept from the search list.
		"with a search domain": {"gateway.corp.example", "A", forward},
	})
	f = populated(t)
	f.rules.single = true
	decideAll(t, f, map[string]row{"not our name": {"gateway", "A", forward}})
}

// Shows RFC 1034 5.2.3.
// Shows RFC 8914 4.15.
func TestNamesNotInTheZone(t *testing.T) {
	rows := func(unknown func(soa string) want) map[string]row {
		return map[string]row{
			"node-ID shape":              {stranger, "A", unknown(".")},
			"node-ID shape, other type":  {stranger, "TXT", unknown(".")},
			"node-ID shape, ANY":         {stranger, "ANY", unknown(".")},
			"in a local domain":          {stranger + ".nodes.example", "A", unknown("nodes.example.")},
			"any name in a local domain": {"www.nodes.example", "MX", unknown("nodes.example.")},
			"deep in a local domain":     {"a.b.c.deep.nodes.example", "A", unknown("deep.nodes.example.")},
			"below our own name":         {"www." + local, "A", unknown(".")},
			"below it in a local domain": {"www." + local + ".nodes.example", "A", unknown("nodes.example.")},
			"below no node":              {"a.b." + stranger, "A", unknown(".")},
		}
	}
	t.Run("ready", func(t *testing.T) {
		decideAll(t, populated(t), rows(nxdomain))
	})
	t.Run("not ready", func(t *testing.T) {
		f := newFixture(t, local)
		f.source.Expect(true)
		decideAll(t, f, rows(func(string) want { return notYet }))
	})
	t.Run("no cluster is expected", func(t *testing.T) {
		f := newFixture(t, local)
		f.SetLocal(nil)
		decideAll(t, f, rows(nxdomain))
	})
}

// Shows RFC 2181 11.
// Shows RFC 4343 2.1.
func TestLabelsThatOnlyLookLikeANode(t *testing.T) {
	decideAll(t, populated(t), map[string]row{
		// One label with a dot in it is not two labels.
		"escaped dot":      {`www\.` + both, "TXT", forward},
		"33 digits":        {both + "0", "TXT", forward},
		"not hex":          {"metropolis-0000000000000000000000000000000g", "TXT", forward},
		"shape not on top": {both + ".example.org", "A", forward},
		"suffix, no label": {"xnodes.example", "A", forward},
	})
}

func TestALocalDomainItself(t *testing.T) {
	decideAll(t, populated(t), map[string]row{
		"A":          {"nodes.example", "A", nodata("nodes.example.")},
		"SOA":        {"Nodes.Example", "SOA", authority("nodes.example.")},
		"NS":         {"nodes.example", "NS", server("nodes.example.")},
		"DS":         {"nodes.example", "DS", nodata("nodes.example.")},
		"ANY":        {"nodes.example", "ANY", anyHINFO},
		"inner":      {"deep.nodes.example", "NS", server("deep.nodes.example.")},
		"below it":   {"role.nodes.example", "SOA", nodata("nodes.example.")},
		"its parent": {"example", "NS", forward},
	})
	t.Run("not ready", func(t *testing.T) {
		f := newFixture(t, local)
		f.source.Expect(true)
		decideAll(t, f, map[string]row{"exists": {"nodes.example", "A", nodata("nodes.example.")}})
	})
}

// Shows RFC 1123 6.1.4.3c.
func TestNodeNameWithADomainOfTheSearchList(t *testing.T) {
	for name, f := range map[string]*fixture{"ready": populated(t), "not ready": newFixture(t, local)} {
		t.Run(name, func(t *testing.T) {
			f.source.Expect(true)
			decideAll(t, f, map[string]row{
				"a node's":          {both + ".corp.example", "A", nxdomain(".")},
				"an unknown one's":  {stranger + ".LAB.example", "AAAA", nxdomain(".")},
				"in a local domain": {stranger + ".Nodes.Example.corp.example", "A", nxdomain(".")},
				"in another domain": {both + ".example.corp.example", "A", forward},
				"not of that shape": {"www.nodes.example.corp.example", "A", forward},
				"two labels":        {"www." + both + ".corp.example", "A", forward},
				"another domain":    {both + ".other.example", "A", forward},
				"another host":      {"www.corp.example", "A", forward},
				"the domain":        {"corp.example", "A", forward},
			})
		})
	}
}

// Shows RFC 8914 3a, 4.4.
func TestDepartedNode(t *testing.T) {
	const since = "since 2026-03-04T05:06:07Z"
	decideAll(t, populated(t), map[string]row{
		"A":    {gone, "A", addresses(gone).saying(dns.ExtendedErrorCodeStaleAnswer, since)},
		"AAAA": {gone, "AAAA", nodata(".").of(gone).saying(dns.ExtendedErrorCodeStaleAnswer, since)},
		"PTR": {"13.0.0.10.in-addr.arpa", "PTR", want{
			kind: NodeName, node: gone, ede: dns.ExtendedErrorCodeStaleAnswer, text: since,
		}},
	})
}

// Shows RFC 8914 4.4, 4.20.
func TestCuratorOutOfReach(t *testing.T) {
	const since = "since 2026-03-04T05:06:07Z"
	t.Run("for 60 s", func(t *testing.T) {
		decideAll(t, lost(t, 60*time.Second), map[string]row{
			"another node":    {both, "A", addresses(both)},
			"no such node":    {stranger, "A", nxdomain(".")},
			"another's PTR":   {"10.0.0.10.in-addr.arpa", "PTR", want{kind: NodeName, node: both}},
			"our own address": {local, "A", addresses(local)},
		})
	})
	t.Run("for longer", func(t *testing.T) {
		decideAll(t, lost(t, 61*time.Second), map[string]row{
			"another node":   {both, "A", addresses(both).saying(dns.ExtendedErrorCodeStaleAnswer, since)},
			"missing family": {onlyFour, "AAAA", nodata(".").of(onlyFour).saying(dns.ExtendedErrorCodeStaleAnswer, since)},
			"no such node":   {stranger, "A", nxdomain(".").saying(dns.ExtendedErrorCodeStaleNXDOMAINAnswer, since)},
			"another's PTR": {"10.0.0.10.in-addr.arpa", "PTR", want{
				kind: NodeName, node: both, ede: dns.ExtendedErrorCodeStaleAnswer, text: since,
			}},
			"our own address": {local, "A", addresses(local)},
			"our own PTR":     {"1.0.0.10.in-addr.arpa", "PTR", want{kind: NodeName, node: local}},
			// Independent of the cluster.
			"a search domain": {both + ".corp.example", "A", nxdomain(".")},
		})
	})
}

// Shows RFC 1035 3.5.
// Shows RFC 3596 2.5.
func TestReverseOfANodesAddress(t *testing.T) {
	const six = "a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.b.d.0.1.0.0.2.ip6.arpa"
	const mapped = "a.0.0.0.0.0.a.0.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"
	f := populated(t)
	f.reach = ReachPrivate
	decideAll(t, f, map[string]row{
		"IPv4":                     {"10.0.0.10.in-addr.arpa", "PTR", want{kind: NodeName, node: both}},
		"IPv6":                     {six, "PTR", want{kind: NodeName, node: both}},
		"IPv6 in capitals":         {strings.ToUpper(six), "PTR", want{kind: NodeName, node: both}},
		"our own":                  {"1.0.0.10.in-addr.arpa", "PTR", want{kind: NodeName, node: local}},
		"another type":             {six, "A", nodata(".").of(both)},
		"ANY":                      {six, "ANY", anyHINFO.of(both)},
		"nobody's":                 {"99.0.0.10.in-addr.arpa", "PTR", forward},
		"a shorter name":           {"0.0.10.in-addr.arpa", "PTR", forward},
		"a longer name":            {"0.10.0.0.10.in-addr.arpa", "PTR", forward},
		"leading zero":             {"010.0.0.10.in-addr.arpa", "PTR", forward},
		"no octet":                 {"266.0.0.10.in-addr.arpa", "PTR", forward},
		"IPv4-mapped IPv6":         {mapped, "PTR", forward},
		"a shorter IPv6 name":      {six[2:], "PTR", forward},
		"no nibble":                {"g" + six[1:], "PTR", forward},
		"two nibbles in one label": {"aa" + six[3:], "PTR", forward},
	})
}

// What is beside the digits and letters of a nibble is none.
func TestReverseAddrRefuses(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("0.", 31) + "ip6.arpa"
	for _, nibble := range "/:`g" {
		name, err := ParseName(string(nibble) + "." + zeros)
		if err != nil {
			t.Fatal(err)
		}
		if addr, ok := ReverseAddr(name); ok {
			t.Errorf("%q: %v", nibble, addr)
		}
	}
	name, err := ParseName("f." + zeros)
	if addr, ok := ReverseAddr(name); err != nil || !ok || addr != netip.MustParseAddr("::f") {
		t.Errorf("got %v, %t, %v", addr, ok, err)
	}
}

// A reserved address is answered as if no node had it, except our own.
func TestReverseOfAReservedAddress(t *testing.T) {
	f := populated(t)
	f.reach = ReachPrivate
	f.SetReserved("gateways", []netip.Addr{netip.MustParseAddr("10.0.0.10"), netip.MustParseAddr("10.0.0.1")})
	decideAll(t, f, map[string]row{
		"a node's":      {"10.0.0.10.in-addr.arpa", "PTR", forward},
		"another type":  {"10.0.0.10.in-addr.arpa", "TXT", forward},
		"its name":      {both, "A", addresses(both)},
		"our own":       {"1.0.0.10.in-addr.arpa", "PTR", want{kind: NodeName, node: local}},
		"another one's": {"11.0.0.10.in-addr.arpa", "PTR", want{kind: NodeName, node: onlyFour}},
	})
	view := withHostsAndRoutes(t, f.view(t))
	if v := Decide(question(t, "10.0.0.10.in-addr.arpa", "PTR"), view); v.Kind != HostName {
		t.Errorf("with a line of the hosts file: %+v", v)
	}
}

// A zone that is full may lack any node: none is denied.
func TestOverflow(t *testing.T) {
	const text = "the zone is full: not all of the cluster's nodes are known"
	f := newFixtureOf(t, zone.Config{Local: local, MaxNodes: 2})
	f.SetLocal([]netip.Addr{netip.MustParseAddr("10.0.0.1")})
	f.source.Expect(true)
	f.source.SetConnected(true)
	f.source.Begin()
	f.source.Set(zone.Entry{ID: local}, zone.Entry{ID: both, Addresses: testkit.Addrs("10.0.0.10")}, zone.Entry{ID: onlyFour})
	f.source.Complete()
	full := notYet.saying(dns.ExtendedErrorCodeNotReady, text)
	decideAll(t, f, map[string]row{
		"a node":                 {both, "A", addresses(both)},
		"our own":                {local, "A", addresses(local)},
		"one that has no room":   {onlyFour, "A", full},
		"one that is not there":  {stranger, "A", full},
		"below a local domain":   {stranger + ".nodes.example", "A", full},
		"a role that none has":   {"consensus-member.role.nodes.example", "A", full},
		"curators":               {"_curator._tcp.nodes.example", "SRV", full},
		"with a search domain":   {onlyFour + ".corp.example", "A", nxdomain(".")},
		"what is no node's name": {"www.example.org", "A", forward},
	})
}

// Shows RFC 1123 6.1.4.3c.
func TestAnotherSingleLabel(t *testing.T) {
	f := populated(t)
	decideAll(t, f, map[string]row{
		"A":              {"printer", "A", nodata(".")},
		"AAAA":           {"com", "AAAA", nodata(".")},
		"another type":   {"com", "NS", forward},
		"ANY":            {"com", "ANY", forward},
		"the root":       {".", "NS", forward},
		"the root's A":   {".", "A", forward},
		"two labels":     {"printer.example", "A", forward},
		"an escaped dot": {`printer\.example`, "A", nodata(".")},
	})
	f.rules.single = true
	t.Run("single_label", func(t *testing.T) {
		decideAll(t, f, map[string]row{"A": {"printer", "A", forward}})
	})
}

func TestNoUpstreams(t *testing.T) {
	f := populated(t)
	f.reach = ReachNone
	refused := want{kind: Bare, rcode: dns.RcodeRefused, ede: dns.ExtendedErrorCodeNotAuthoritative}
	decideAll(t, f, map[string]row{
		"everything else": {"www.example.org", "A", refused},
		"ANY":             {"www.example.org", "ANY", refused},
		"home.arpa":       {"nas.home.arpa", "A", refused},
		"not our own":     {both, "A", addresses(both)},
	})
}

func TestIsPrivate(t *testing.T) {
	for addr, want := range map[string]bool{
		"10.1.2.3": true, "172.31.0.1": true, "192.168.0.1": true, "100.100.100.100": true,
		"127.0.0.53": true, "169.254.1.1": true, "fd00::1": true, "fe80::1%eth0": true, "::1": true,
		"::ffff:10.1.2.3": true, "::ffff:100.64.0.1": true,
		"192.0.2.1": false, "172.32.0.1": false, "100.128.0.1": false, "2001:db8::1": false,
	} {
		if got := IsPrivate(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %t", addr, got)
		}
	}
}
