package integration

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The two nodes of aloneWithFile whose IDs begin alike.
const (
	twinA = "metropolis-abcdef00000000000000000000000001"
	twinB = "metropolis-abcdef00000000000000000000000002"
)

// aloneWithFile is a machine called web-1 as Debian installs it, with a file of nodes
// and without local domains. It has no addresses yet.
func aloneWithFile(t *testing.T) *node {
	t.Helper()
	n := newNode(newLAN(t), "node").called("web-1")
	n.write("/etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\tweb-1\n")
	inPlace(n.machine, "site.hosts", "10.88.0.1 web-1\n10.88.0.2 web-2 store\n10.88.0.3 db "+twinA+"\n10.88.0.4 "+twinB+"\n")
	n.configure(noUpstream, withVarlink)
	n.boot()
	return n
}

// The line that Debian writes for a machine's own name counts until there is an
// address that other machines see too.
func TestNameOfDebian(t *testing.T) {
	t.Parallel()
	x := needNSS(t)
	n := aloneWithFile(t)
	loopback := netip.MustParseAddr("127.0.1.1")
	eventually(t, "the line counts", func() error { return n.resolves("web-1", loopback) })
	n.address()
	eventually(t, "the address is known", func() error { return n.resolves("web-1", n.v4(), n.v6()) })
	must(t, x.findsBy(n.machine, []string{"dns", "resolve"}, "web-1", n.v4(), n.v6()))
	must(t, n.answersRows([]nameRow{
		{query: n.v4().String(), status: "NOERROR", data: []string{"web-1."}},
		{query: "127.0.1.1", status: "NOERROR", data: []string{"web-1."}},
		{query: "10.88.0.2", status: "NOERROR", data: []string{"web-2."}},
		{query: "10.88.0.3", status: "NOERROR", data: []string{"db."}},
		{query: "10.88.0.4", status: "NOERROR", data: []string{twinB + "."}},
	}))
	if got := n.read("/etc/hosts"); !strings.HasPrefix(got, "127.0.0.1\tlocalhost\n127.0.1.1\tweb-1\n") {
		t.Errorf("the user's lines are gone: %q", got)
	}
	eventually(t, "the file has the names", func() error { return n.hasLine("10.88.0.3 db " + twinA) })

	t.Run("by ID", func(t *testing.T) {
		n.configure(noUpstream, withVarlink, "[zone]", `ptr = "id"`)
		n.daemon.signal(unix.SIGHUP)
		eventually(t, "addresses have IDs for names", func() error {
			return n.answersRows([]nameRow{
				{query: n.v4().String(), status: "NOERROR", data: []string{n.id + "."}},
				{query: "10.88.0.2", status: "NOERROR", data: []string{"web-2."}}, // it is its ID
				{query: "10.88.0.3", status: "NOERROR", data: []string{twinA + "."}},
			})
		})
		eventually(t, "so has the file", func() error {
			return errors.Join(n.hasLine("10.88.0.3 "+twinA+" db"), n.hasLine(n.v4().String()+" "+n.id+" web-1"))
		})
		must(t, n.resolves("db", netip.MustParseAddr("10.88.0.3")))
	})
	t.Run("commands", func(t *testing.T) { n.takesNames(t) })
}

// hasLine fails unless the hosts file has a line.
func (m *machine) hasLine(line string) error {
	if text := m.read("/etc/hosts"); !strings.Contains(text, "\n"+line+"\n") {
		return fmt.Errorf("the hosts file has no %q:\n%s", line, text)
	}
	return nil
}

// takesNames gives nodes to commands by their names, and by the beginning of their
// digits.
func (n *node) takesNames(t *testing.T) {
	for _, tt := range []struct {
		command string
		fails   bool
		has     []string
	}{
		{"nodes", false, []string{"web-1", n.id, "web-2", "store", "db", twinA, twinB, "local", "files"}},
		{"nodes store", false, []string{"web-2", "10.88.0.2"}},
		{"query web-2", false, []string{"10.88.0.2"}},
		{"query STORE A", false, []string{"10.88.0.2"}},
		{"query abcdef00000000000000000000000002", false, []string{"10.88.0.4", twinB}},
		{"query " + strings.TrimPrefix(n.id, "metropolis-")[:12], false, []string{n.v4().String(), n.id}},
		{"query abcd", true, []string{twinA, twinB}},
		{"query abc", true, []string{"abc."}}, // three digits are a name like any other
		{"explain web-2", false, []string{"10.88.0.2", "name"}},
		{"explain --dry-run abcdef00000000000000000000000001", false, []string{twinA, "10.88.0.3"}},
		{"explain --dry-run metropolis-abcd", true, []string{twinA, twinB}},
	} {
		out, err := n.nodedns(append(strings.Fields(tt.command), "--config", configFile)...)
		if (err != nil) != tt.fails {
			t.Errorf("%s: %v\n%s", tt.command, err, out)
		}
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			out += err.Error()
		}
		for _, part := range tt.has {
			if !strings.Contains(out, part) {
				t.Errorf("%s has no %q:\n%s", tt.command, part, out)
			}
		}
	}
	for _, query := range []string{"abcdef00000000000000000000000001", "abcd"} {
		must(t, n.answersRow(nameRow{query: query, status: "NOERROR"})) // DNS knows whole names only
	}
}
