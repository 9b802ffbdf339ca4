package integration

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// withoutHosts is the part of a configuration that keeps nothing in the hosts
// file: what is found then was not found there.
const withoutHosts = "[files]\nhosts = \"\""

// newNSSCluster is a cluster in which the first node uses nss-resolve.
func newNSSCluster(x *nss, size int, lines ...string) *cluster {
	x.t.Helper()
	c := newCluster(x.t, size, append(lines, withVarlink)...)
	n := c.nodes[0]
	n.write("/etc/nsswitch.conf", byResolve)
	n.served(x)
	return c
}

// Each program finds what exists, and gets a negative answer for what does not.
func TestNSS(t *testing.T) {
	t.Parallel()
	x := needNSS(t, python3)
	c := newNSSCluster(x, 3, withoutHosts)
	n, peer, leaving := c.nodes[0], c.nodes[1], c.nodes[2]
	c.curator.tell("remove %s", leaving.id)
	eventually(t, "the node departs", func() error { return n.counts(3, 1, 0) })
	for program, finder := range x.finders() {
		for i, tt := range []struct {
			name string
			want []netip.Addr
		}{
			{n.id, []netip.Addr{n.v4(), n.v6()}},
			{peer.id, []netip.Addr{peer.v4()}},
			{strings.ToUpper(peer.id), []netip.Addr{peer.v4()}},
			{leaving.id, []netip.Addr{leaving.v4()}},
			{"localhost", []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}},
			{strangerID(t), nil},
			{"nowhere", nil},
			{"a.test", nil},
		} {
			if program != "getaddrinfo" && i%3 != 0 && !testkit.Full() {
				continue // they take long to start
			}
			got, err := x.addresses(n.machine, finder, tt.name)
			if (err != nil) != (tt.want == nil) || !slices.Equal(got, tt.want) {
				t.Errorf("%s finds %v (%v) for %s, want %v", program, got, err, tt.name, tt.want)
			}
		}
	}
	must(t, x.fails(n.machine, strangerID(t), unknownName))
	must(t, x.fails(n.machine, "nowhere", unknownName))
	must(t, x.fails(n.machine, "www.example.org", tryAgain)) // there is no server to query
	for _, addr := range []netip.Addr{n.v4(), n.v6()} {
		out, err := x.run(n.machine, "getent", "hosts", addr.String())
		if err != nil || !slices.Equal(strings.Fields(out), []string{addr.String(), n.id}) {
			t.Errorf("the name of %s: %q, %v", addr, out, err)
		}
	}
	if out, err := x.run(n.machine, "getent", "hosts", "192.0.2.99"); err == nil {
		t.Errorf("the name of nobody: %q", out)
	}
}

// The module aborts the program if it gets another family than requested.
// Shows io.systemd.Resolve ResolveHostname.
func TestNSSFamilies(t *testing.T) {
	t.Parallel()
	x := needNSS(t, python3)
	c := newNSSCluster(x, 2, withoutHosts)
	n, v6only := c.nodes[0], strangerID(t)
	c.curator.tell("set %s fd88::99", v6only)
	eventually(t, "the node resolves", func() error { return n.resolves(v6only, netip.MustParseAddr("fd88::99")) })
	// Its arguments are names, each with a family.
	const python = `import socket, sys
families = {"4": socket.AF_INET, "6": socket.AF_INET6, "any": 0}
for name, family in zip(sys.argv[1::2], sys.argv[2::2]):
    try:
        found = socket.getaddrinfo(name, None, families[family], socket.SOCK_STREAM, 0, socket.AI_CANONNAME)
        print(found[0][3], *sorted(a[4][0] for a in found))
    except socket.gaierror as e:
        print(e.strerror)`
	tests := []struct{ name, family, want string }{
		{n.id, "any", fmt.Sprint(n.id, " ", n.v4(), " ", n.v6())},
		{n.id, "4", fmt.Sprint(n.id, " ", n.v4())},
		{n.id, "6", fmt.Sprint(n.id, " ", n.v6())},
		{c.nodes[1].id, "6", unknownName},
		{v6only, "4", unknownName},
		{v6only, "6", v6only + " fd88::99"},
		{"localhost", "6", "localhost ::1"},
	}
	command := []string{python3, "-c", python}
	for _, tt := range tests {
		command = append(command, tt.name, tt.family)
	}
	out, err := x.run(n.machine, command...)
	must(t, err)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != len(tests) {
		t.Fatalf("got %q, want %d lines", out, len(tests))
	}
	for i, tt := range tests {
		if lines[i] != tt.want {
			t.Errorf("%s of family %s: got %q, want %q", tt.name, tt.family, lines[i], tt.want)
		}
	}
	for _, database := range []string{"ahosts", "ahostsv4", "ahostsv6", "hosts"} {
		for _, name := range []string{n.id, v6only, c.nodes[1].id} {
			_, _ = x.run(n.machine, "getent", database, name) // ends the test if it is killed
		}
	}
}

// A name that cannot be resolved yet is not a name that does not exist.
// Shows io.systemd.Resolve errors.
func TestNSSBeforeReady(t *testing.T) {
	t.Parallel()
	x := needNSS(t)
	l := newLAN(t)
	n := newNode(l, "node").asksByResolve("[curator]", `endpoints = ["10.88.0.250:7835"]`, noUpstream)
	n.boot()
	n.served(x)
	must(t, x.fails(n.machine, n.id, tryAgain)) // it has no address yet
	must(t, x.fails(n.machine, strangerID(t), tryAgain))
	n.address()
	eventually(t, "the node finds itself", func() error { return x.finds(n.machine, n.id, n.v4(), n.v6()) })
	must(t, x.fails(n.machine, strangerID(t), tryAgain))
}

// Upstreams that do not answer are not the fault of a name, and do not delay a
// program for long.
// Shows io.systemd.Resolve errors.
func TestNSSDeadUpstream(t *testing.T) {
	t.Parallel()
	x := needNSS(t)
	l := newLAN(t)
	dead := newScripted(l.join("server").address(), script{})
	n := through(l, "node", dead.addr().String())
	n.asksByResolve("[upstream]", fmt.Sprintf("servers = [%q]", dead.addr()))
	n.write("/etc/resolv.conf", "nameserver 127.0.0.53\nsearch one.example two.example\n")
	n.boot()
	n.served(x)
	must(t, x.fails(n.machine, "www.example.org", tryAgain))
	must(t, x.fails(n.machine, "nowhere", tryAgain))
	must(t, x.finds(n.machine, n.id, n.v4(), n.v6()))
}

// The search list is applied by us, and what names are aliases of is returned.
// Shows io.systemd.Resolve search.
func TestNSSSearchList(t *testing.T) {
	t.Parallel()
	x := needNSS(t)
	needUnpacked(t, "nsd")
	l := newLAN(t)
	nsd := newAuthority(l, "nsd")
	n := through(l, "node", nsd.v4().String())
	n.asksByResolve("[upstream]", fmt.Sprintf("servers = [%q]", nsd.v4()))
	n.write("/etc/resolv.conf", "nameserver 127.0.0.53\nsearch nowhere.example plain.example\n")
	n.write("/etc/hosts", "127.0.1.1 whole.corp.example short\n")
	n.boot()
	n.served(x)
	www := []netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10")}
	names := []string{"www", "www.plain.example", "alias", "chain.plain.example", "www.plain.example."}
	awaitAll(t, "the addresses are found", names, func(name string) error { return x.finds(n.machine, name, www...) })
	eventually(t, "of a name with a dot too", func() error { return x.finds(n.machine, "two.words", netip.MustParseAddr("192.0.2.32")) })
	names = []string{"www.", "nowhere.plain.example", "loop.plain.example"}
	awaitAll(t, "others are unknown", names, func(name string) error { return x.fails(n.machine, name, unknownName) })
	if out, err := x.run(n.machine, "getent", "hosts", "alias"); err != nil || !strings.HasSuffix(out, " www.plain.example\n") {
		t.Errorf("got %q, %v, want the name that it is an alias of", out, err)
	}
	if out, err := x.run(n.machine, "getent", "hosts", "short"); err != nil || !strings.HasSuffix(out, " whole.corp.example\n") {
		t.Errorf("got %q, %v, want the first name on its line", out, err)
	}
}

// When the daemon has gone, however, the file answers.
func TestNSSWithoutDaemon(t *testing.T) {
	t.Parallel()
	x := needNSS(t, "curl")
	c := newNSSCluster(x, 2)
	n, peer := c.nodes[0], c.nodes[1]
	var listener net.Listener
	var err error
	peer.do(func() { listener, err = net.Listen("tcp", netip.AddrPortFrom(peer.v4(), 80).String()) })
	must(t, err)
	server := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })

	finds := func(how string) {
		t.Helper()
		must(t, x.finds(n.machine, peer.id, peer.v4()))
		must(t, x.finds(n.machine, n.id, n.v4(), n.v6()))
		out, err := x.run(n.machine, "curl", "-sS", "-o", "/dev/null", "-w", "%{remote_ip}", "http://"+peer.id+"/")
		if err != nil || out != peer.v4().String() {
			t.Errorf("%s curl reaches %q, %v", how, out, err)
		}
	}
	for _, end := range []struct {
		how    string
		signal unix.Signal
	}{{"stopped:", unix.SIGTERM}, {"killed:", unix.SIGKILL}} {
		n.served(x)
		eventually(t, "the peer is known", func() error { return n.knows(peer.id, peer.v4()) })
		finds("running:")
		n.daemon.signal(end.signal)
		n.daemon.exit()
		finds(end.how)
		must(t, x.fails(n.machine, "www.example.org", tryAgain)) // from the dead server of resolv.conf
		n.boot()
	}
}

// Many programs concurrently, and a daemon that is restarted meanwhile: a name
// that is in the file is always found.
func TestNSSUnderLoad(t *testing.T) {
	t.Parallel()
	x := needNSS(t)
	c := newNSSCluster(x, 2)
	n, peer := c.nodes[0], c.nodes[1]
	eventually(t, "the file has the peer", func() error { return n.fileHas(peer.id, peer.v4()) })
	lookups := func(times int) func() {
		return func() {
			for range times {
				if err := x.finds(n.machine, peer.id, peer.v4()); err != nil {
					t.Error(err)
				}
			}
		}
	}
	var asking sync.WaitGroup
	for range testkit.Times(40, 100) {
		asking.Go(lookups(1))
	}
	asking.Wait()
	for range 4 {
		asking.Go(lookups(testkit.Times(20, 50)))
	}
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		n.daemon.signal(signal)
		n.daemon.exit()
		n.boot()
		n.served(x)
	}
	asking.Wait()
}
