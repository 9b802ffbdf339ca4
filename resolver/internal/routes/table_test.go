package routes

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func wire(t testing.TB, name string) []byte {
	t.Helper()
	wire, err := parse(name)
	if err != nil {
		t.Fatalf("%q: %v", name, err)
	}
	return []byte(wire)
}

func table(t testing.TB, routes ...Route[string]) *Table[string] {
	t.Helper()
	table, err := New(routes)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestLookup(t *testing.T) {
	t.Parallel()
	plain := table(
		t,
		Route[string]{[]string{"corp.example", "Lab.Example."}, "corp"},
		Route[string]{[]string{"deep.corp.example"}, "deep"},
		Route[string]{[]string{"10.in-addr.arpa", "printer", "corp.example.org"}, "lan"},
		Route[string]{[]string{"nothing.example", "nothing.example"}, ""},
	)
	withRoot := table(t, Route[string]{[]string{"."}, "all"}, Route[string]{[]string{"corp.example"}, "corp"})
	tests := map[string]struct {
		table  *Table[string]
		name   string
		want   string // target and labels, or nothing
		absent bool
	}{
		"the domain itself":             {plain, "corp.example", "corp 2", false},
		"below it":                      {plain, "www.corp.example", "corp 2", false},
		"far below it":                  {plain, strings.Repeat("a.", 100) + "corp.example", "corp 2", false},
		"the other domain, lower case":  {plain, "www.lab.example", "corp 2", false},
		"the longest":                   {plain, "www.deep.corp.example", "deep 3", false},
		"the longest itself":            {plain, "deep.corp.example", "deep 3", false},
		"not by characters":             {plain, "notcorp.example", "", true},
		"not by the beginning":          {plain, "corp.example.net", "", true},
		"a longer one of the same kind": {plain, "corp.example.org", "lan 3", false},
		"above":                         {plain, "example", "", true},
		"a dot within a label":          {plain, `corp\.example`, "", true},
		"reverse":                       {plain, "1.0.0.10.in-addr.arpa", "lan 3", false},
		"not the reverse of another":    {plain, "1.0.0.110.in-addr.arpa", "", true},
		"single label":                  {plain, "printer", "lan 1", false},
		"an empty target is one":        {plain, "www.nothing.example", " 2", false},
		"the root, without its route":   {plain, ".", "", true},
		"any name":                      {withRoot, "www.example.net", "all 0", false},
		"the root":                      {withRoot, ".", "all 0", false},
		"not the root's":                {withRoot, "www.corp.example", "corp 2", false},
		"no routes":                     {table(t), "www.example", "", true},
		"no table":                      {nil, "www.example", "", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, labels, ok := tt.table.Lookup(wire(t, tt.name))
			if got := fmt.Sprintf("%s %d", target, labels); ok == tt.absent || ok && got != tt.want {
				t.Errorf("got %q, %t; want %q", got, ok, tt.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		routes []Route[int]
		want   string
	}{
		"no domain":            {[]Route[int]{{}}, "route 1: no domains"},
		"an empty domain":      {[]Route[int]{{Domains: []string{"a", ""}}}, `route 1: domain "": it is empty`},
		"an empty label":       {[]Route[int]{{Domains: []string{"a"}}, {Domains: []string{"b..c"}}}, `route 2: domain "b..c": `},
		"a long label":         {[]Route[int]{{Domains: []string{strings.Repeat("x", 64)}}}, "1 to 63 octets"},
		"a long name":          {[]Route[int]{{Domains: []string{strings.Repeat("x.", 200)}}}, "253 in all"},
		"an asterisk":          {[]Route[int]{{Domains: []string{"*.corp.example"}}}, "leave the asterisk out"},
		"a domain in two":      {[]Route[int]{{Domains: []string{"a"}}, {Domains: []string{"b"}}, {Domains: []string{"c", "A."}}}, `routes 1 and 3 both have the domain "A."`},
		"the root in two":      {[]Route[int]{{Domains: []string{"."}}, {Domains: []string{"."}}}, `routes 1 and 2 both have the domain "."`},
		"with an equal target": {[]Route[int]{{[]string{"a"}, 7}, {[]string{"a"}, 7}}, "routes 1 and 2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(tt.routes)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// The longest domain is found by trying all of them.
func FuzzLookup(f *testing.F) {
	domains := []string{"a", "b.a", "c.b.a", "b", "a.b", "10.in-addr.arpa", `x\.y.a`}
	byDomain := Route[string]{}
	var routes []Route[string]
	for _, domain := range domains {
		byDomain.Domains, byDomain.Target = []string{domain}, domain
		routes = append(routes, byDomain)
		f.Add("www." + domain)
	}
	table := table(f, routes...)
	f.Fuzz(func(t *testing.T, name string) {
		wire, err := parse(name)
		if err != nil {
			return
		}
		canonical, _, err := dns.UnpackDomainName([]byte(wire), 0)
		if err != nil {
			t.Fatal(err)
		}
		want, most := "", 0
		for _, domain := range domains {
			if dns.IsSubDomain(domain+".", canonical) && dns.CountLabel(domain+".") > most {
				want, most = domain, dns.CountLabel(domain+".")
			}
		}
		if got, labels, ok := table.Lookup([]byte(wire)); got != want || labels != most || ok != (most > 0) {
			t.Errorf("%q: got %q with %d labels, %t; want %q", name, got, labels, ok, want)
		}
	})
}

func many(t testing.TB, n int) *Table[int] {
	t.Helper()
	var routes []Route[int]
	for i := range n {
		routes = append(routes, Route[int]{[]string{fmt.Sprintf("domain-%d.example", i)}, i})
	}
	table, err := New(routes)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestLookupAllocatesNothing(t *testing.T) {
	table := many(t, 10_000)
	for _, text := range []string{"a.b.c.domain-7777.example", "a.b.c.example"} {
		name := wire(t, text)
		if n := testing.AllocsPerRun(100, func() { table.Lookup(name) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

func BenchmarkLookupIn10000(b *testing.B) {
	table := many(b, 10_000)
	for name, text := range map[string]string{
		"found":   "www.domain-7777.example",
		"absent":  "www.example.org",
		"longest": strings.Repeat("a.", 122) + "example",
	} {
		b.Run(name, func(b *testing.B) {
			name := wire(b, text)
			b.ReportAllocs()
			for b.Loop() {
				table.Lookup(name)
			}
		})
	}
}
