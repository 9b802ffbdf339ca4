package hostsfile

import (
	"slices"
	"testing"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/zone"
)

func TestNodeLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, line string
		ok         bool
	}{
		{"IPv4", "10.0.0.1 " + peer(1) + "\n", true},
		{"IPv6", "2001:db8::1 " + peer(1) + "\n", true},
		{"our own name", "10.0.0.1 " + string(self) + "\n", true},
		{"no newline", "10.0.0.1 " + peer(1), false},
		{"CR", "10.0.0.1 " + peer(1) + "\r\n", false},
		{"tab", "10.0.0.1\t" + peer(1) + "\n", false},
		{"alias", "10.0.0.1 " + peer(1) + " db\n", false},
		{"comment", "10.0.0.1 " + peer(1) + " # x\n", false},
		{"upper case", "10.0.0.1 METROPOLIS-00000000000000000000000000000001\n", false},
		{"other name", "10.0.0.1 printer\n", false},
		{"long form of an address", "2001:db8:0::1 " + peer(1) + "\n", false},
		{"nil address", "<nil> " + peer(1) + "\n", false},
		{"loopback", "127.0.0.1 " + peer(1) + "\n", false},
		{"unspecified", ":: " + peer(1) + "\n", false},
		{"link-local", "fe80::1 " + peer(1) + "\n", false},
		{"link-local with zone", "fe80::1%eth0 " + peer(1) + "\n", false},
		{"multicast", "224.0.0.1 " + peer(1) + "\n", false},
		{"IPv4-mapped", "::ffff:10.0.0.1 " + peer(1) + "\n", false},
		{"empty", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := form.isOurs([]byte(c.line)); got != c.ok {
				t.Errorf("%q is a line of ours: %v, want %v", c.line, got, c.ok)
			}
		})
	}
}

func TestNodeLineOfAFreeName(t *testing.T) {
	t.Parallel()
	free := lineForm{prefix: zone.DefaultPrefix, local: "gateway"}
	if !free.isOurs([]byte("10.0.0.1 gateway\n")) || form.isOurs([]byte("10.0.0.1 gateway\n")) {
		t.Error("a free name is ours if and only if it is this machine's")
	}
}

func TestLookupReadsAsGlibcDoes(t *testing.T) {
	t.Parallel()
	const content = "\t 10.0.0.1\tOne  two\r\n" +
		"10.0.0.2 # one\n" +
		"10.0.0.3 three#one\n" +
		"one 10.0.0.4\n" +
		"10.0.0.5\u00a0one\n" +
		"10.0.0.6\n" +
		"\n" +
		"2001:db8::1\vone"
	var got []string
	for _, a := range hostsformat.Lookup([]byte(content), "oNE") {
		got = append(got, a.String())
	}
	if want := []string{"10.0.0.1", "2001:db8::1"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}
