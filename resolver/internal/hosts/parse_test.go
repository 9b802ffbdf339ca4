package hosts

import (
	"fmt"
	"net/netip"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// Shows RFC 1123 2.1b.
// Shows RFC 6761 6.3c.
// Shows hosts(5) line, comments, several, families, case.
func TestParse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text    string
		forward map[string]string
		reverse map[string]string
		reports []string // parts of them, in their order
	}{
		"empty": {forward: map[string]string{"a": "none"}, reverse: map[string]string{"10.0.0.1": "none"}},
		"several names": {
			text:    "10.0.0.1 host.corp.example host alias\n",
			forward: map[string]string{"host.corp.example": "10.0.0.1", "host": "10.0.0.1", "alias": "10.0.0.1", "corp.example": "none"},
			reverse: map[string]string{"10.0.0.1": "host.corp.example"},
		},
		"several addresses, in order": {
			text:    "10.0.0.2 host\n2001:db8::2 host\n10.0.0.1 host\n2001:db8::1 host\n",
			forward: map[string]string{"host": "10.0.0.2 2001:db8::2 10.0.0.1 2001:db8::1"},
			reverse: map[string]string{"10.0.0.1": "host", "2001:db8::1": "host"},
		},
		"the first name of an address": {
			text:    "10.0.0.1 first\n10.0.0.1 second first\n",
			forward: map[string]string{"first": "10.0.0.1", "second": "10.0.0.1"},
			reverse: map[string]string{"10.0.0.1": "first"},
		},
		"a name that is known has another address": {
			text:    "10.0.0.1 one\n10.0.0.2 one two\n",
			forward: map[string]string{"one": "10.0.0.1 10.0.0.2", "two": "10.0.0.2"},
			reverse: map[string]string{"10.0.0.1": "one", "10.0.0.2": "one"},
		},
		"the same line twice": {
			text:    "10.0.0.1 host\n10.0.0.1 host host\n",
			forward: map[string]string{"host": "10.0.0.1"},
		},
		"case, and the final dot": {
			text:    "10.0.0.1 Host.EXAMPLE.\n10.0.0.2 host.example\n2001:DB8::A host.example\n",
			forward: map[string]string{"HOST.example": "10.0.0.1 10.0.0.2 2001:db8::a"},
			reverse: map[string]string{"10.0.0.1": "Host.EXAMPLE", "10.0.0.2": "host.example"},
		},
		"the spelling of the first line": {
			text:    "10.0.0.1 Box.Corp box BOX\n10.0.0.1 box.corp\n10.0.0.2 box.CORP\n",
			forward: map[string]string{"BOX.corp": "10.0.0.1 10.0.0.2", "box": "10.0.0.1"},
			reverse: map[string]string{"10.0.0.1": "Box.Corp", "10.0.0.2": "box.CORP"},
		},
		"white space and comments": {
			text:    "# a comment\n\n \t\n\t 10.0.0.1\t\vone\f two # three\r\n10.0.0.2 four#five\r\n#10.0.0.3 six\n10.0.0.4 no-newline",
			forward: map[string]string{"one": "10.0.0.1", "two": "10.0.0.1", "three": "none", "four": "10.0.0.2", "five": "none", "six": "none", "no-newline": "10.0.0.4"},
		},
		"IPv4-mapped addresses are IPv4 addresses": {
			text:    "::ffff:10.0.0.1 host\n10.0.0.1 host\n",
			forward: map[string]string{"host": "10.0.0.1"},
			reverse: map[string]string{"10.0.0.1": "host", "::ffff:10.0.0.1": "host"},
		},
		"a name that is to lead nowhere": {
			text:    "0.0.0.0 ads.example\n:: ads.example\n",
			forward: map[string]string{"ads.example": "0.0.0.0 ::"},
			reverse: map[string]string{"0.0.0.0": "none", "::": "none"},
		},
		"addresses with a zone": {
			text:    "fe80::1%eth0 host\nfe80::2 host\n",
			forward: map[string]string{"host": "fe80::2"},
			reports: []string{`line 1: the DNS cannot express the zone of "fe80::1%eth0"`},
		},
		"malformed lines": {
			text:    "10.0.0.1\n10.0.0.256 a\n10.1 b\nc 10.0.0.1\n010.0.0.1 d\n10.0.0.2 good\n\xef\xbb\xbf10.0.0.1 e\n",
			forward: map[string]string{"a": "none", "b": "none", "c": "none", "d": "none", "e": "none", "good": "10.0.0.2"},
			reports: []string{
				"line 1: no name follows the address 10.0.0.1", `line 2: "10.0.0.256" is not`, `line 3: "10.1" is not`,
				`line 4: "c" is not`, `line 5: "010.0.0.1" is not`, `line 7: "\ufeff10.0.0.1" is not`,
			},
		},
		"names that are none": {
			text:    "10.0.0.1 a..b *.c d,e .f . f\x01 http://g müller " + strings.Repeat("x", 64) + " good_name -h- " + strings.Repeat("y.", 127) + "y\n",
			forward: map[string]string{"good_name": "10.0.0.1", "-h-": "10.0.0.1"},
			reverse: map[string]string{"10.0.0.1": "good_name"},
			reports: []string{
				`"a..b" is not a host name: it has an empty label`, `"*.c"`, `"d,e"`, `".f"`, `"."`, `"f\x01"`, `"http://g"`, `"müller"`,
				"a label of it", "it has more than 253",
			},
		},
		"names of the greatest length": {
			text: "10.0.0.1 " + strings.Repeat("x", 63) + " " + strings.Repeat("y.", 126) + "y\n",
			forward: map[string]string{
				strings.Repeat("x", 63): "10.0.0.1", strings.Repeat("y.", 126) + "y": "10.0.0.1",
			},
		},
		"localhost": {
			text:    "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 own.localhost debian\n10.0.0.1 www.localhost\n",
			forward: map[string]string{"localhost": "none", "ip6-localhost": "::1", "own.localhost": "none", "www.localhost": "none", "debian": "127.0.1.1"},
			reverse: map[string]string{"::1": "ip6-localhost", "127.0.1.1": "debian", "10.0.0.1": "none"},
			reports: []string{`line 4: "www.localhost" has no effect in the DNS: localhost always means`},
		},
		"names of the zone": {
			text: "10.0.0.1 " + strings.ToUpper(node) + " other\n10.0.0.2 www." + node + "\n10.0.0.3 Gateway\n" +
				"10.0.0.4 nodes.example\n10.0.0.5 www.nodes.example\n10.0.0.6 " + node + ".corp.example " + node[1:] + " gateways\n",
			forward: map[string]string{
				node: "none", "other": "10.0.0.1", "www." + node: "none", "gateway": "none", "www.nodes.example": "none",
				node + ".corp.example": "10.0.0.6", node[1:]: "10.0.0.6", "gateways": "10.0.0.6",
			},
			reverse: map[string]string{"10.0.0.1": "other", "10.0.0.2": "none"},
			reports: []string{"line 1: ", "line 2: ", "line 3: ", "line 4: ", "line 5: "},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := parseText(t, tt.text)
			for name, want := range tt.forward {
				if got := lookup(t, table, name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			for addr, want := range tt.reverse {
				if got := reverse(table, addr); got != want {
					t.Errorf("%s: got %q, want %q", addr, got, want)
				}
			}
			if got := table.all(); !sameReports(got, tt.reports) {
				t.Errorf("reports %q, want %q", got, tt.reports)
			}
		})
	}
}

func TestZeroValuesAreUsable(t *testing.T) {
	t.Parallel()
	var table *Table
	if got := lookup(t, table, "a"); got != "none" || table.Len() != 0 {
		t.Errorf("a nil table has %q and %d names", got, table.Len())
	}
	if got := reverse(table, "10.0.0.1"); got != "none" {
		t.Errorf("a nil table has the name %q", got)
	}
	for addr := range (Addrs{}).All() {
		t.Errorf("no addresses at all are %s", addr)
	}
}

func TestReportsAreBounded(t *testing.T) {
	t.Parallel()
	table := parseText(t, strings.Repeat("nonsense\n", maxReports+23))
	got := table.all()
	if len(got) != maxReports+1 || !strings.Contains(got[maxReports].String(), "23 more") {
		t.Errorf("%d reports, the last one %q", len(got), got[len(got)-1])
	}
	if len(table.all()) != len(got) || table.count != maxReports+23 {
		t.Error("asking for the reports changes them")
	}
}

func TestAddressesOfOneNameAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range maxAddrs + 2 {
		fmt.Fprintf(&b, "10.0.0.%d host\n", i)
	}
	table := parseText(t, b.String())
	if n := len(strings.Fields(lookup(t, table, "host"))); n != maxAddrs {
		t.Errorf("%d addresses, want %d", n, maxAddrs)
	}
	if got := table.all(); len(got) != 2 || !strings.Contains(got[0].String(), "line 101: host has 100 addresses") {
		t.Errorf("reports %q", got)
	}
}

func TestTooManyNames(t *testing.T) {
	t.Parallel()
	const text = "10.0.0.1 a b\n10.0.0.2 a\n10.0.0.1 a b\n"
	if _, err := parse([]byte(text), cluster.excluded(), 3); err != nil {
		t.Errorf("as many as there may be: %v", err)
	}
	_, err := parse([]byte(text), cluster.excluded(), 2)
	if err == nil || !strings.Contains(err.Error(), "line 2: too many names; at most 2") {
		t.Errorf("error %v", err)
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	table := parseText(t, "# a comment\n10.0.0.1 host alias\n# BEGIN nodedns\n10.0.0.9 x\n# END nodedns\n\n"+
		"2001:db8::1 host\n10.0.0.1 host\n10.0.0.2 other")
	for _, tt := range []struct {
		name, addr string
		want       int
	}{
		{"host", "10.0.0.1", 2},
		{"alias", "10.0.0.1", 2},
		{"Host", "10.0.0.1", 2},
		{"host", "2001:db8::1", 7},
		{"other", "10.0.0.2", 9},
		{"other", "10.0.0.1", 0},
		{"x", "10.0.0.9", 0},
	} {
		if got := table.Line(spelled(t, tt.name), netip.MustParseAddr(tt.addr)); got != tt.want {
			t.Errorf("%s %s: line %d, want %d", tt.name, tt.addr, got, tt.want)
		}
	}
}

// All names of a line have the first one as their canonical name, as in the C
// library, for "hostname -f" and other callers that need the full name.
// Shows hosts(5) canonical.
func TestCanonical(t *testing.T) {
	t.Parallel()
	table := parseText(t, "127.0.1.1 Web.example.org web\n10.0.0.1 one a\n10.0.0.1 two b\n"+
		"10.0.0.2 c\n2001:db8::1 six.example c\n10.0.0.3 six.example d\n127.0.0.1 localhost e\n10.0.0.4 *.bad f\n"+
		"10.0.0.5 Alone.Example.\n10.0.0.6 alone.example\n10.0.0.7 G G g\n")
	for _, tt := range []struct {
		name string
		four bool
		want string
	}{
		{"web", true, "Web.example.org"},
		{"web.example.org", true, "Web.example.org"},
		{"web", false, ""},
		{"a", true, "one"},
		{"b", true, "two"}, // although another name precedes it for the address
		{"c", true, ""},
		{"c", false, "six.example"},
		{"d", true, "six.example"},
		{"e", true, "localhost"},
		{"f", true, ""},
		{"alone.example", true, "Alone.Example"},
		{"g", true, "G"},
	} {
		addrs, ok := table.Lookup(wire(t, tt.name))
		if !ok {
			t.Fatalf("%s is not there", tt.name)
		}
		got, ok := addrs.Canonical(tt.four)
		if ok {
			got = hostName([]byte(got))
		}
		if got != tt.want {
			t.Errorf("%s, IPv4 %t: got %q, want %q", tt.name, tt.four, got, tt.want)
		}
	}
	if _, ok := (Addrs{}).Canonical(true); ok {
		t.Error("no addresses have a canonical name")
	}
}

func TestLookupsAllocateNothing(t *testing.T) {
	table := parseText(t, "10.0.0.1 host alias\n2001:db8::1 host\n")
	for name, lookup := range map[string]func(){
		"forward": func() {
			addrs, _ := table.Lookup([]byte("\x04host\x00"))
			for addr := range addrs.All() {
				_ = addr
			}
		},
		"absent":  func() { table.Lookup([]byte("\x05other\x00")) },
		"reverse": func() { table.Reverse(netip.AddrFrom4([4]byte{10, 0, 0, 1})) },
	} {
		if n := testing.AllocsPerRun(100, lookup); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("127.0.0.1 localhost\n10.0.0.1 a.b A.B. c\n::ffff:10.0.0.1 d\n0.0.0.0 e\n# BEGIN nodedns\n10.0.0.9 x\n# END nodedns\n\tfe80::1 f#\r\n"))
	f.Add([]byte("# END nodedns\n10.0.0.1 a\n # BEGIN nodedns \r\n10.0.0.1 b\n10.0.0.2 a"))
	e := cluster.excluded()
	f.Fuzz(func(t *testing.T, text []byte) {
		table, err := parse(text, e, maxPairs)
		if err != nil {
			return
		}
		rendered := table.render()
		again, err := parse([]byte(rendered), e, maxPairs)
		if err != nil || again.count > 0 {
			t.Fatalf("what was read cannot be read again: %v, %v\n%s", err, again.all(), rendered)
		}
		again.problems = table.problems
		again.canonical = table.canonical // each name is written on a line of its own
		for addr, name := range table.addresses {
			table.addresses[addr] = strings.ToLower(name) // as it is written
		}
		for i := range min(len(table.links), len(again.links)) {
			again.links[i].line = table.links[i].line // it is written in other lines
		}
		if !reflect.DeepEqual(table, again) {
			t.Errorf("read\n%s\nand again\n%s", rendered, again.render())
		}
	})
}

func BenchmarkParse100000(b *testing.B) {
	text, e := blocklist(100_000), cluster.excluded()
	var tables []*Table
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.ReportAllocs()
	for b.Loop() {
		table, err := parse(text, e, maxPairs)
		if err != nil {
			b.Fatal(err)
		}
		tables = append(tables[:0], table)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(tables[0].Len()), "B/line")
	runtime.KeepAlive(tables)
	runtime.KeepAlive(text)
}

func BenchmarkLookupOf100000(b *testing.B) {
	table, err := parse(blocklist(100_000), cluster.excluded(), maxPairs)
	if err != nil {
		b.Fatal(err)
	}
	names := make([][]byte, 100_000)
	for i := range names {
		names[i] = wire(b, fmt.Sprintf("host-%06d.corp.example", i*7919%100_000))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, ok := table.Lookup(names[i%len(names)]); !ok {
			b.Fatal("not found")
		}
	}
}
