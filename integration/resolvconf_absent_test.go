package integration

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
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
// Shows resolv.conf(5) no-search.
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
		if strings.Contains(tt.search, "corp.example") || tt.search == "" {
			eventually(t, fmt.Sprintf("with %q db is found", tt.search), func() error { return n.glibcKnows("dns", "db", database) })
		} else if addrs, err := n.getent("dns", "db"); err == nil {
			t.Errorf("with %q db is found: %v", tt.search, addrs)
		}
	}
}

// startLocalUnbound starts a server on 127.0.0.1 that knows one name, and returns
// how to end it.
func startLocalUnbound(m *machine) (end func()) {
	m.t.Helper()
	m.write("/etc/unbound/unbound.conf", `
server:
	username: ""
	chroot: ""
	directory: "/etc/unbound"
	pidfile: ""
	use-syslog: no
	interface: 127.0.0.1
	local-zone: "example." static
	local-data: "db.corp.example. A 192.0.2.10"
remote-control:
	control-enable: no
`)
	cmd := unpacked(m.t, "unbound", "-d", "-c", "/etc/unbound/unbound.conf")
	m.serve(cmd)
	return func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
}

// A machine whose resolv.conf names no server asks the one on 127.0.0.1, and so do
// we, from when it answers.
// Shows resolv.conf(5) no-nameserver.
func TestLocalServer(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	needUnpacked(t, "unbound")
	n := newNode(newLAN(t), "node")
	n.address()
	for name, original := range map[string]func(){
		"empty":              func() { n.write(resolvConf, "") },
		"a search list only": func() { n.write(resolvConf, "search lab.example\n") },
		"none":               func() { must(t, os.Remove(n.path(resolvConf))) },
	} {
		original()
		n.configure(stubMode)
		before, errBefore := os.ReadFile(n.path(resolvConf))
		d := n.boot()
		eventually(t, "resolv.conf is ours", func() error {
			text, err := os.ReadFile(n.path(resolvConf))
			if err == nil && !strings.Contains(string(text), "nameserver 127.0.0.53") {
				err = fmt.Errorf("resolv.conf is %q", text)
			}
			return err
		})
		must(t, n.remarks(20, "", "db.corp.example")) // there is no server yet
		unbound := startLocalUnbound(n.machine)
		eventually(t, name+": the name is found", func() error { return n.glibcKnows("dns", "db.corp.example", database) })
		s, err := n.resolvConfStatus()
		must(t, err)
		if !strings.Contains(s.Source, "127.0.0.1") {
			t.Errorf("%s: status %+v", name, s)
		}
		d.signal(unix.SIGTERM)
		d.exit()
		after, errAfter := os.ReadFile(n.path(resolvConf))
		if string(after) != string(before) || os.IsNotExist(errBefore) != os.IsNotExist(errAfter) {
			t.Errorf("%s: resolv.conf is %q (%v), was %q (%v)", name, after, errAfter, before, errBefore)
		}
		must(t, n.glibcKnows("dns", "db.corp.example", database)) // as it is without us
		unbound()
	}
}

// We are no server of our own, by whatever address we listen on.
func TestLocalServerIsUs(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	for _, listen := range []string{"127.0.0.1:53", "0.0.0.0:53"} {
		n := newNode(newLAN(t), "node")
		n.address()
		n.write(resolvConf, "")
		n.configure(stubMode, "[dns]", `listen = ["`+listen+`"]`)
		n.boot()
		eventually(t, "our address is known", func() error {
			r, err := n.digAt("127.0.0.1", n.id)
			if err == nil && !slices.Equal(r.data("A"), []string{n.v4().String()}) {
				err = fmt.Errorf("answered:\n%s", r.text)
			}
			return err
		})
		r, err := n.digAt("127.0.0.1", "www.example")
		must(t, err)
		if !r.hasError(20, "") {
			t.Errorf("on %s: want that there is no upstream:\n%s", listen, r.text)
		}
	}
}

// A forwarder on 127.0.0.1 that asks the servers of resolv.conf, which is us then,
// is no way out, and no way round.
func TestLocalServerAsksUs(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	n := newNode(newLAN(t), "node")
	n.address()
	n.write(resolvConf, "")
	n.serve(exec.Command("dnsmasq", "--keep-in-foreground", "--log-facility=-", "--user=root", "--conf-file=/dev/null",
		"--pid-file=", "--bind-interfaces", "--listen-address=127.0.0.1", "--resolv-file="+resolvConf, "--address=/localhost/127.0.0.1"))
	n.configure(stubMode)
	n.boot()
	eventually(t, "it is asked", func() error {
		s, err := n.resolvConfStatus()
		if err == nil && !strings.Contains(s.Source, "127.0.0.1") {
			err = fmt.Errorf("status %+v", s)
		}
		return err
	})
	eventually(t, "the loop is found", func() error {
		r, err := n.ask("www.example", "A")
		if err == nil && !r.hasError(22, "it asks us what we ask it") {
			err = fmt.Errorf("want a loop:\n%s", r.text)
		}
		return err
	})
	must(t, n.resolves(n.id, n.v4(), n.v6()))
}
