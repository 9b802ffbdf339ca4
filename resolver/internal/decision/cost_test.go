package decision

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

func TestDecideAllocatesNothing(t *testing.T) {
	f := filed(t)
	f.source.SetConnected(false)
	f.clock += 2 * zone.LostAfter
	view := f.view(t)
	for name, r := range map[string]row{
		"addresses":        {name: both, qtype: "A"},
		"in a domain":      {name: both + ".nodes.example", qtype: "AAAA"},
		"departed":         {name: gone, qtype: "A"},
		"TXT":              {name: both, qtype: "TXT"},
		"domain of roles":  {name: "role.nodes.example", qtype: "A"},
		"NODATA":           {name: onlyFour, qtype: "AAAA"},
		"NXDOMAIN":         {name: stranger, qtype: "A"},
		"PTR":              {name: "10.0.0.10.in-addr.arpa", qtype: "PTR"},
		"name":             {name: "web-2", qtype: "A"},
		"name, NODATA":     {name: "mail", qtype: "AAAA"},
		"name in a domain": {name: "web-2.nodes.example", qtype: "A"},
		"above a name":     {name: "rack.nodes.example", qtype: "A"},
		"no name":          {name: "web-3.nodes.example", qtype: "A"},
		"contested":        {name: "twins", qtype: "A"},
		"name of a file":   {name: "s1.dc", qtype: "A"},
		"below one":        {name: "x.db", qtype: "A"},
		"name, searched":   {name: "db.lab.example", qtype: "A"},
		"localhost":        {name: "localhost", qtype: "A"},
		"search list":      {name: stranger + ".lab.example", qtype: "A"},
		"domain, searched": {name: stranger + ".nodes.example.lab.example", qtype: "A"},
		"special use":      {name: "www.invalid", qtype: "A"},
		"single label":     {name: "printer", qtype: "A"},
		"to the upstreams": {name: "www.example.org", qtype: "A"},
	} {
		t.Run(name, func(t *testing.T) {
			q := question(t, r.name, r.qtype)
			if n := testing.AllocsPerRun(100, func() { Decide(q, view) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// Shows RFC 1035 2.3.4a, 2.3.4b.
// Shows RFC 4343 3.1.
func TestParseName(t *testing.T) {
	for text, want := range map[string]string{
		"":           "\x00",
		".":          "\x00",
		"A.Bc":       "\x01a\x02bc\x00",
		"a.bc.":      "\x01a\x02bc\x00",
		`a\.b.c`:     "\x03a.b\x01c\x00",
		`\065\200.c`: "\x02a\xc8\x01c\x00",
	} {
		got, err := ParseName(text)
		if err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"a..b", ".a", fmt.Sprintf("%064d.a", 0), strings.Repeat("0123456789.", 24), longestName + "x"} {
		if got, err := ParseName(text); err == nil {
			t.Errorf("%q: got %q, want an error", text, got)
		}
	}
}

// What is no name is shown as its octets.
func TestStringOfWhatIsNoName(t *testing.T) {
	if got, want := Name("\x05ab").String(), "malformed name 056162"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// longestName has 255 octets in wire form.
var longestName = strings.Repeat("0123456789.", 22) + "longest-one"

// A name as long as any may be is decided as others are.
func TestLongestName(t *testing.T) {
	if name, err := ParseName(longestName); err != nil || len(name) != maxName || name.String() != longestName+"." {
		t.Fatalf("%d octets: %q, %v", len(name), name, err)
	}
	const domain = ".nodes.example"
	inDomain := longestName[len(domain):]
	inDomain = inDomain[:strings.LastIndexByte(inDomain, '.')+1] // whole labels
	inDomain += strings.Repeat("x", len(longestName)-len(domain)-len(inDomain)) + domain
	f := filed(t)
	f.withFile(zone.Entry{ID: longestName, Addresses: testkit.Addrs("10.0.1.9")}, zone.Entry{ID: inDomain, Addresses: testkit.Addrs("10.0.1.8")})
	other := func(name string) string { return "x" + name[1:] }
	decideAll(t, f, map[string]row{
		"a file's":              {longestName, "A", addresses(zone.ID(longestName))},
		"another type":          {longestName, "MX", nodata(".").of(zone.ID(longestName))},
		"below a local domain":  {inDomain, "A", addresses(zone.ID(inDomain))},
		"no node's":             {other(longestName), "A", forward},
		"no node's in a domain": {other(inDomain), "A", nxdomain("nodes.example.")},
	})
}

// A local domain may be as long as leaves room for a label of a node.
func TestLongestDomain(t *testing.T) {
	const longest = maxName - maxLabel - 1
	domain := strings.Repeat("a.", longest/2-1) + "b"
	rules, err := NewRules(RulesConfig{Domains: []string{domain}})
	if err != nil || len(rules.domains[0].Name) != longest {
		t.Errorf("a domain of %d octets: %v", longest, err)
	}
}

func TestNewRulesRefuses(t *testing.T) {
	for name, domain := range map[string]string{
		"the root": ".", "an empty label": "a..b", "an escape": `a\.b.example`, "no host's": "a b.example",
		"without room for a label": strings.Repeat("a.", 95) + "b",
	} {
		if _, err := NewRules(RulesConfig{Domains: []string{domain}}); err == nil {
			t.Errorf("%s is accepted as a domain", name)
		}
	}
	for _, ttl := range []time.Duration{-1, 1 << 31 * time.Second} {
		if _, err := NewRules(RulesConfig{TTL: ttl}); err == nil {
			t.Errorf("a TTL of %v is accepted", ttl)
		}
	}
	for _, odd := range "/:@[`{" { // beside digits and letters
		if _, err := NewRules(RulesConfig{Domains: []string{string(odd) + ".example"}}); err == nil {
			t.Errorf("%q is accepted in a domain", odd)
		}
	}
}

func TestNewRulesAccepts(t *testing.T) {
	t.Parallel()
	if _, err := NewRules(RulesConfig{Domains: []string{"az-AZ_09.example"}, TTL: (1<<31 - 1) * time.Second}); err != nil {
		t.Error(err)
	}
}

func FuzzDecide(f *testing.F) {
	for _, seed := range []string{both, "www." + both, both + ".nodes.example", "10.0.0.10.in-addr.arpa", loopbackPTRv6.String(), `a\.b.local`, "."} {
		f.Add(seed, dns.TypeA)
		f.Add(seed, dns.TypePTR)
	}
	views := []*View{populated(f).view(f), newFixture(f, "gateway").view(f)}
	f.Fuzz(func(t *testing.T, name string, qtype uint16) {
		wire, err := ParseName(name)
		if err != nil {
			return
		}
		for _, view := range views {
			v := Decide(&Question{Name: wire, Type: qtype}, view)
			if v.Kind == Negative && !wire.within(v.SOA) {
				t.Errorf("%q: the SOA's owner %v is not above the name", name, v.SOA)
			}
		}
	})
}

var sink Verdict

func BenchmarkDecideOneName(b *testing.B) {
	view := populated(b).view(b)
	q := question(b, both, "A")
	b.ReportAllocs()
	for b.Loop() {
		sink = Decide(q, view)
	}
}

func BenchmarkDecideRandomOf100000(b *testing.B) {
	f := newFixture(b, local)
	f.source.Begin()
	var entries []zone.Entry
	var questions []*Question
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 100_000 {
		id := fmt.Sprintf("metropolis-%016x%016x", random.Uint64(), random.Uint64())
		entries = append(entries, zone.Entry{ID: id, Addresses: testkit.Addrs(fmt.Sprintf("10.%d.%d.%d", 1+i>>16, i>>8&255, i&255))})
		questions = append(questions, question(b, id, "A"))
	}
	f.source.Set(entries...)
	f.source.Complete()
	view := f.view(b)
	random.Shuffle(len(questions), func(i, j int) { questions[i], questions[j] = questions[j], questions[i] })
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if sink = Decide(questions[i%len(questions)], view); sink.Kind != Addresses {
			b.Fatalf("verdict %+v", sink)
		}
	}
}

func BenchmarkDecideForwarded(b *testing.B) {
	view := populated(b).view(b)
	q := question(b, "www.example.org", "A")
	b.ReportAllocs()
	for b.Loop() {
		sink = Decide(q, view)
	}
}
