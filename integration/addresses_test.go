package integration

import (
	"net/netip"
	"strings"
	"testing"
)

// The addresses that the kernel reports are those in DNS and the file.
func TestAddressChanges(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	other, wan := netip.MustParseAddr("10.88.0.201"), netip.MustParseAddr("10.99.0.1")
	n := newNode(newLAN(t), "node")
	n.configure(noUpstream)
	d := n.boot()
	eventually(t, "the daemon is ready", func() error { return n.answers("NOERROR", n.id) })

	// The steps build on each other.
	for _, step := range []struct {
		name   string
		change func()
		want   []netip.Addr
	}{
		{"the first address", func() { n.assign(n.v4()) }, []netip.Addr{n.v4()}},
		{"one of the other family", func() { n.assign(n.v6()) }, []netip.Addr{n.v4(), n.v6()}},
		{"another preferred source", func() {
			n.assign(other)
			n.route(routerV4, other.AsSlice())
		}, []netip.Addr{other, n.v6()}},
		{"the preferred source gone", func() {
			n.withdraw(other) // and with it the route
			n.route(routerV4, nil)
		}, []netip.Addr{n.v4(), n.v6()}},
		{"the address replaced", func() { n.withdraw(n.v4()); n.assign(other) }, []netip.Addr{other, n.v6()}},
		{"the address replaced again", func() { n.withdraw(other); n.assign(n.v4()) }, []netip.Addr{n.v4(), n.v6()}},
		{"a default route of a lower metric", func() {
			n.run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "wire")
			n.run("ip", "link", "set", "wire", "up")
			n.run("ip", "link", "set", "eth1", "up")
			n.run("ip", "addr", "add", wan.String()+"/24", "dev", "eth1")
			n.run("ip", "route", "add", "default", "via", "10.99.0.254", "dev", "eth1", "metric", "50")
		}, []netip.Addr{wan, n.v6()}},
		{"that route gone", func() { n.run("ip", "link", "del", "eth1") }, []netip.Addr{n.v4(), n.v6()}},
		{"one family gone", func() { n.withdraw(n.v6()) }, []netip.Addr{n.v4()}},
		{"the last address gone", func() { n.withdraw(n.v4()) }, []netip.Addr{n.v4()}},
		{"the interface down", func() { n.run("ip", "link", "set", "eth0", "down") }, []netip.Addr{n.v4()}},
		{"a new address", func() {
			n.run("ip", "link", "set", "eth0", "up")
			n.assign(other)
		}, []netip.Addr{other}},
	} {
		step.change()
		eventually(t, step.name, func() error { return n.knows(n.id, step.want...) })
		must(t, n.glibcKnows("dns", n.id, step.want...))
		for _, addr := range step.want {
			must(t, n.answersReverse(addr, n.id))
		}
		must(t, d.running())
	}
}

// Where the address of a node is replaced, its connection to a curator ends at once,
// instead of when keepalive finds it dead; so the others learn the new address over
// another one.
func TestOwnAddressReplaced(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	curator := newCurator(l, "curator")
	moving, peer := newNode(l, "moving"), newNode(l, "peer")
	for _, n := range []*node{moving, peer} {
		n.address()
		n.configure(follows(curator), "report = true", noUpstream)
		curator.enrol(n)
		curator.tell("set %s - roles=kubernetes-worker", n.id)
		n.boot()
	}
	eventually(t, "the address is known", func() error { return peer.knows(moving.id, moving.v4()) })
	other := netip.MustParseAddr("10.88.0.201")
	moving.withdraw(moving.v4())
	moving.assign(other)
	eventually(t, "the new address is known", func() error { return peer.knows(moving.id, other) })
	if log := moving.daemon.log.String(); strings.Contains(log, "keepalive") {
		t.Error("the connection ended by keepalive")
	}
}
