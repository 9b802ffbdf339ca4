package integration

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// fullName is what a machine is called before it is a node.
const fullName = "web1.corp.example"

// namedFully is a node that is called so, on a lan whose router has a name of
// the same domain and no other. Its resolv.conf names the router alone.
func namedFully(t *testing.T) *node {
	t.Helper()
	l := newLAN(t)
	startDNSMasq(l.router, routerV4, "--local=/example/", "--host-record=db.corp.example,192.0.2.10")
	n := newNode(l, "node")
	n.address()
	n.write(resolvConf, "nameserver "+routerV4+"\n")
	n.do(func() { must(t, unix.Sethostname([]byte(fullName))) })
	return n
}

// database is what the name that is looked for in these tests has.
var database = netip.MustParseAddr("192.0.2.10")

// Without a search list the C library takes the domain of the hostname. It is
// that of the machine's own one still when the node's name, which has none, is
// the hostname.
func TestSearchListOfTheHostname(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	n := namedFully(t)
	must(t, n.glibcKnows("dns", "db", database)) // as it is without us
	n.configure(stubMode)
	for range 2 {
		d := n.boot()
		eventually(t, "resolv.conf points here", func() error { return n.pointsHere("search corp.example", "options edns0") })
		eventually(t, "the name is found", func() error { return n.glibcKnows("dns", "db", database) })
		if got := n.hostname(); got != n.id {
			t.Errorf("the hostname is %q", got)
		}
		if text := n.run("cat", realServers); strings.Contains(text, "search") {
			t.Errorf("containers, which have hostnames of their own, get %q", text)
		}
		d.kill()
	}
	d := n.boot()
	eventually(t, "the name is found", func() error { return n.glibcKnows("dns", "db", database) })

	// Another program's hostname counts, while it is there.
	n.do(func() { must(t, unix.Sethostname([]byte("web1.lab.example"))) })
	eventually(t, "its domain is left to programs to derive", func() error { return n.pointsHere("options edns0") })
	d.signal(unix.SIGTERM)
	d.exit()
	if got := n.read(resolvConf); got != "nameserver "+routerV4+"\n" {
		t.Errorf("resolv.conf is %q", got)
	}
}

// By nss-resolve, which passes names on as they were typed, it is the same.
func TestSearchListOfTheHostnameByNSSResolve(t *testing.T) {
	t.Parallel()
	x := needNSS(t, "dnsmasq")
	n := namedFully(t).asksByResolve(stubMode)
	for range 2 {
		d := n.boot()
		n.served(x)
		eventually(t, "the name is found", func() error { return x.finds(n.machine, "db", database) })
		d.kill()
	}
}

// A list that is written counts, and what is odd about it reaches neither
// containers nor programs.
func TestOddSearchLists(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	n := namedFully(t)
	n.configure(stubMode, "hostname = false")
	n.boot()
	for _, tt := range []struct {
		search  string   // the line
		machine []string // in resolv.conf
		real    string   // for containers
	}{
		{"search .", []string{"search ."}, ""}, // without it programs would derive one
		{"search . a..b 192.0.2.1 2001:db8::1 corp.example. Corp.Example \x01\x02", []string{"search corp.example"}, "search corp.example\n"},
		{"domain lab.example", []string{"search lab.example"}, "search lab.example\n"},
		{"", nil, ""},
	} {
		n.write(resolvConf, "nameserver "+routerV4+"\n"+tt.search+"\n")
		eventually(t, fmt.Sprintf("%q is taken", tt.search), func() error {
			if err := n.pointsHere(append(tt.machine, "options edns0")...); err != nil {
				return err
			}
			if text := n.run("cat", realServers); !strings.HasSuffix(text, "\nnameserver "+routerV4+"\n"+tt.real) {
				return fmt.Errorf("containers get %q, want %q", text, tt.real)
			}
			return nil
		})
		_, err := n.getent("dns", "db")
		if found, want := err == nil, strings.Contains(tt.search, "corp.example") || tt.search == ""; found != want {
			t.Errorf("with %q db is found: %t", tt.search, found)
		}
	}
}
