package resolvconf

import (
	"strings"
	"testing"
)

// node is our name for the node, which has no domain.
const node = "metropolis-00000000000000000000000000000001"

// A search list means the same to the machine's programs before and after, while
// containers, which have hostnames of their own, get only what is configured.
// Shows resolv.conf(5) no-search.
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
				b.Set(ModeStub, false, "")
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

// The local domain is searched last, so that the names in it need not be written
// out, and what the machine searches otherwise stays what it was.
func TestTheLocalDomainIsSearchedToo(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + "." + strings.Repeat("c", 60)
	for _, c := range []struct {
		name, original, present, own, domain string
		want                                 string // the search line
	}{
		{"behind a list", "search a.example b.example\n", "web1", "web1", "nodes.example", "search a.example b.example nodes.example"},
		{"alone", "", "web1", "web1", "nodes.example", "search nodes.example"},
		{"behind what programs would derive", "", "web1.corp.example", "web1.corp.example", "nodes.example", "search corp.example nodes.example"},
		{"behind what was derived", "", node, "web1.corp.example", "nodes.example", "search corp.example nodes.example"},
		{"alone where nothing is to be derived", "search .\n", "web1.corp.example", "web1.corp.example", "nodes.example", "search nodes.example"},
		{"in the list already", "search Nodes.Example. b.example\n", "web1", "web1", "nodes.example", "search Nodes.Example b.example"},
		{"derived already", "", "web1.nodes.example", "web1.nodes.example", "nodes.example", ""},
		{"with its final dot", "search a.example\n", "web1", "web1", "nodes.example.", "search a.example nodes.example"},
		{"none", "search a.example\n", "web1", "web1", "", "search a.example"},
		{"no domain", "search a.example\n", "web1", "web1", "no domain", "search a.example"},
		{"more than six", "search a b c d e f\n", "web1", "web1", "nodes.example", "search a b c d e f nodes.example"},
		{"musl would read none of it", "search " + long + " b.example\n", "web1", "web1", "x." + long, "search " + long + " b.example"},
		{"musl reads none of it anyway", "search " + long + " x" + long + "\n", "web1", "web1", "nodes.example", "search " + long + " x" + long + " nodes.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(_ *testing.T, r *tree) {
				r.write(usualPath, "nameserver 192.0.2.1\n"+c.original)
				b := r.prepare()
				b.present, b.own = c.present, c.own
				b.Set(ModeStub, false, c.domain)
				b.Start(r.t.Context())
				lines := []string{edns}
				if c.want != "" {
					lines = []string{c.want, edns}
				}
				r.want(usualPath, stub(lines...))
			})
		})
	}
}

// Its readers are the machine's programs only: what the machine is configured with,
// containers and what is put back have nothing of it.
func TestTheLocalDomainIsOurFilesOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, r *tree) {
		const original = "nameserver 192.0.2.1\nsearch a.example\n"
		r.write(usualPath, original)
		b := r.launch(ModeStub, false)
		b.Set(ModeStub, false, "nodes.example")
		sleep(0)
		r.want(usualPath, stub("search a.example nodes.example", edns))
		r.want(realPath, realMark+"search a.example\n")
		if got := strings.Join(b.sources.SystemConfig(nil).Search, " "); got != "a.example" {
			t.Errorf("the machine's search list is %s", got)
		}
		b.Set(ModeStub, false, "cluster.example")
		sleep(0)
		r.want(usualPath, stub("search a.example cluster.example", edns))
		b.stop()
		r.want(usualPath, original)
	})
}
