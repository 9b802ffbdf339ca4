package hosts

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/zone"
)

const node = "metropolis-0123456789abcdef0123456789abcdef"

// cluster is the zone that the tests are in.
var cluster = Zone{Prefix: zone.DefaultPrefix, Local: "gateway", Domains: []string{"Nodes.Example."}}

func parseText(t testing.TB, text string) *Table {
	t.Helper()
	table, err := parse([]byte(text), cluster.excluded(), maxPairs)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func wire(t testing.TB, name string) []byte {
	t.Helper()
	wire, err := appendName(nil, []byte(name))
	if err != nil {
		t.Fatalf("%q: %v", name, err)
	}
	return wire
}

// spelled is a name in wire form, with its letters as they are.
func spelled(t testing.TB, name string) []byte {
	t.Helper()
	return spell(wire(t, name), []byte(name))
}

// lookup is the addresses of a name as text, or "none".
func lookup(t testing.TB, table *Table, name string) string {
	t.Helper()
	addrs, ok := table.Lookup(wire(t, name))
	if !ok {
		return "none"
	}
	var texts []string
	for addr := range addrs.All() {
		texts = append(texts, addr.String())
	}
	return strings.Join(texts, " ")
}

func reverse(table *Table, addr string) string {
	name, ok := table.Reverse(netip.MustParseAddr(addr))
	if !ok {
		return "none"
	}
	return hostName([]byte(name))
}

// render writes a table as the lines of a hosts file.
func (t *Table) render() string {
	owners := make([]string, len(t.links))
	for name, first := range t.names {
		for at, more := first, true; more; more = at != 0 {
			owners[at] = hostName([]byte(name))
			at = t.links[at].next
		}
	}
	var b strings.Builder
	for i, l := range t.links {
		fmt.Fprintf(&b, "%s %s\n", netip.AddrFrom16(l.address).Unmap(), owners[i])
	}
	return b.String()
}

// blocklist is a file of many lines, each with a name and an address of its
// own.
func blocklist(lines int) []byte {
	var b []byte
	for i := range lines {
		b = fmt.Appendf(b, "10.%d.%d.%d\thost-%06d.corp.example\n", i>>16, i>>8&255, i&255, i)
	}
	return b
}

func sameReports(got []Report, want []string) bool {
	return slices.EqualFunc(got, want, func(r Report, text string) bool {
		return text != "" && strings.Contains(r.String(), text)
	})
}
