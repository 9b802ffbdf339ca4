package resolvconf

import (
	"strings"
	"testing"
)

// node is our name for the node, which has no domain.
const node = "metropolis-00000000000000000000000000000001"

// A search list means the same to the machine's programs before and after, while
// containers, which have hostnames of their own, get only what is configured.
func TestSearchListsOfOurFiles(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("a", 60) + "." + strings.Repeat("b", n) }
	for _, c := range []struct {
		name, original, present, own string
		machine, containers          string // the search lines
	}{
		{"a list", "search a.example b.example\n", "web1.corp.example", "web1.corp.example", "search a.example b.example", "search a.example b.example"},
		{"none, and no domain", "", "web1", "web1", "", ""},
		{"none: what programs derive is left to them", "", "web1.corp.example", "web1.corp.example", "", ""},
		{"none: our hostname has no domain", "", node, "web1.corp.example", "search corp.example", ""},
		{"none: another program's hostname has another", "", "x.lab.example", "web1.corp.example", "search corp.example", ""},
		{"none: what the hostname has is no domain", "", node, "web1.a..b", "", ""},
		{"the root", "search .\n", "web1", "web1", "", ""},
		{"the root, so that no domain is derived", "search .\n", "web1.corp.example", "web1.corp.example", "search .", ""},
		{"the root, under our hostname", "search .\n", node, "web1.corp.example", "", ""},
		{"odd words", "search a..b 192.0.2.1 a.example A.example. \x1b[2J .\n", node, "web1.corp.example", "search a.example", "search a.example"},
		{"odd words only", "search 192.0.2.1\n", "web1.corp.example", "web1.corp.example", "search .", ""},
		{"more than six", "search a b c d e f g h\n", node, "web1", "search a b c d e f g h", "search a b c d e f g h"},
		{
			"more than musl reads", "search " + long(63) + " " + long(62) + " c.d " + long(61) + "\n", node, "web1",
			"search " + long(63) + " " + long(62) + " c.d " + long(61), "search " + long(63) + " " + long(62) + " c.d",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(_ *testing.T, r *tree) {
				r.write(usualPath, "nameserver 192.0.2.1\n"+c.original)
				b := r.prepare()
				b.present, b.own = c.present, c.own
				b.Set(ModeStub, false)
				b.Start(r.t.Context())
				lines := []string{edns}
				if c.machine != "" {
					lines = []string{c.machine, edns}
				}
				r.want(usualPath, stub(lines...))
				containers := realMark
				if c.containers != "" {
					containers += c.containers + "\n"
				}
				r.want(realPath, containers)
			})
		})
	}
}
