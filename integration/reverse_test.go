package integration

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A node that claims other machines' addresses does not become their name: not a
// node's, whatever the IDs and over a restart, nor that of the gateway, of a name
// server, or of what the user's hosts file has.
func TestClaimedAddresses(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	const printer, server = "10.88.0.70", "10.88.0.252"
	c := newCluster(t, 2, "[[upstream.route]]", `domains = ["corp.example"]`, fmt.Sprintf("servers = [%q]", server))
	n, peer := c.nodes[0], c.nodes[1]
	n.write("/etc/hosts", n.read("/etc/hosts")+printer+" printer\n")
	claim := func(i int, addr string) (id string) {
		id = fmt.Sprintf("metropolis-%032x", i) // smaller than any made of a key
		c.curator.tell("set %s %s", id, addr)
		eventually(t, "the node with the address "+addr+" resolves", func() error { return n.resolves(id, netip.MustParseAddr(addr)) })
		return id
	}
	claim(1, peer.v4().String())
	claim(2, routerV4)
	claim(3, server)
	claim(4, printer)
	honest := claim(5, "10.88.0.71")
	named := func(addr, want string) {
		t.Helper()
		eventually(t, addr+" has the name "+want, func() error {
			r, err := n.ask(addr, "PTR")
			if got := r.data("PTR"); err == nil && strings.Join(got, " ") != want {
				err = fmt.Errorf("the name of %s is %v, want %q", addr, got, want)
			}
			return err
		})
	}
	holds := func() {
		t.Helper()
		named(peer.v4().String(), peer.id+".")
		named(routerV4, "")
		named(server, "")
		named(printer, "printer.")
		named("10.88.0.71", honest+".")
	}
	holds()
	if out, err := n.nodedns("verify"); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}

	c.curator.kill()
	n.daemon.signal(unix.SIGTERM)
	n.daemon.exit()
	n.boot()
	eventually(t, "the saved nodes answer", func() error { return n.resolves(honest, netip.MustParseAddr("10.88.0.71")) })
	holds()

	n.run("ip", "route", "del", "default", "via", routerV4)
	named(routerV4, fmt.Sprintf("metropolis-%032x.", 2))
	n.route(routerV4, nil)
	named(routerV4, "")
}

// A backlog without usable data is reported as such, and so is a name in it.
func TestRefusedBacklog(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 1)
	n, refused := c.nodes[0], strangerID(t)
	c.curator.tell("set %s 2002:7f00:1::1", refused)
	eventually(t, "the entry is refused", func() error { return n.counts(2, 0, 1) })
	out, _ := n.nodedns("query", refused, "A")
	if !strings.Contains(out, "the cluster's entry for this name: address 2002:7f00:1::1 is of 127.0.0.1") {
		t.Errorf("query says\n%s", out)
	}
	if out, err := n.nodedns("status"); err != nil || !strings.Contains(out, refused) {
		t.Errorf("status does not name the entry: %v\n%s", err, out)
	}
}
