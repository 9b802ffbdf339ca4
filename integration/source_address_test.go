package integration

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The address that a node publishes is the one that the kernel would use, whatever
// the state of its network. The reference is `ip route get`.
func TestSourceAddress(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNodeOfTwoLinks(t)
	n.boot()
	n.run("ip", "link", "add", "docker0", "type", "bridge")
	for _, row := range []struct {
		name string
		// state are the arguments of ip commands, one on each line.
		state string
		// by is the interface that leads out, eth0 unless it is another one.
		by   string
		want string // "": none
	}{
		{"the gateway's network, behind another one", `
			addr add 10.0.0.5/24 dev eth0
			addr add 192.0.2.10/24 dev eth0
			route add default via 192.0.2.1 dev eth0`, "", "192.0.2.10"},
		{"a virtual address first", `
			addr add 192.0.2.99/32 dev eth0
			addr add 192.0.2.10/24 dev eth0
			route add default via 192.0.2.1 dev eth0`, "", "192.0.2.10"},
		{"an address on loopback, and an uplink without one", `
			addr add 10.0.0.1/32 dev lo
			route add default via 192.0.2.1 dev eth0 onlink`, "", "10.0.0.1"},
		{"the same with IPv6", `
			addr add 2001:db8::1/128 dev lo
			route add default via fe80::1 dev eth0 onlink`, "", "2001:db8::1"},
		{"the same with several next hops", `
			addr add 10.0.0.1/32 dev lo
			route add default nexthop via 192.0.2.1 dev eth0 onlink nexthop via 192.0.2.2 dev eth1 onlink`, "", "10.0.0.1"},
		{"an uplink without an address, and a network of containers", `
			addr add 172.17.0.1/16 dev docker0
			route add default via 192.0.2.1 dev eth0 onlink`, "", ""},
		{"the only address deprecated", `
			addr add 192.0.2.10/24 dev eth0 valid_lft forever preferred_lft 0
			route add default via 192.0.2.1 dev eth0`, "", "192.0.2.10"},
		{"the only IPv6 address deprecated", `
			addr add 2001:db8::10/64 dev eth0 nodad valid_lft forever preferred_lft 0
			route add default via 2001:db8::1 dev eth0`, "", "2001:db8::10"},
		{"a unique local address that is newer than the global one", `
			addr add 2001:db8::10/64 dev eth0 nodad
			addr add fd00::10/64 dev eth0 nodad
			route add default via 2001:db8::1 dev eth0`, "", "2001:db8::10"},
		{"a default route for a class of packets", `
			addr add 10.0.0.5/24 dev eth0
			addr add 192.0.2.10/24 dev eth1
			route add default via 10.0.0.1 dev eth0 tos 0x10
			route add default via 192.0.2.1 dev eth1 metric 5`, "eth1", "192.0.2.10"},
		{"a next-hop object", `
			addr add 10.0.0.5/24 dev eth0
			addr add 192.0.2.10/24 dev eth1
			nexthop add id 10 via 192.0.2.1 dev eth1
			route add default nhid 10`, "eth1", "192.0.2.10"},
		{"containers, and an uplink of IPv6 alone", `
			addr add 2001:db8::10/64 dev eth0 nodad
			addr add 10.244.0.1/32 dev eth1
			route add default via 2001:db8::1 dev eth0`, "", "2001:db8::10"},
		{"containers with IPv6, and an uplink of IPv4 alone", `
			addr add 192.0.2.10/24 dev eth0
			addr add fd00:10:244::5/64 dev eth1 nodad
			route add default via 192.0.2.1 dev eth0`, "", "192.0.2.10"},
		{"a VPN with rules of its own", `
			addr add 192.0.2.10/24 dev eth0
			addr add 10.8.0.2/24 dev eth1
			route add default via 192.0.2.1 dev eth0
			route add default dev eth1 table 51820
			rule add not fwmark 51820 table 51820
			rule add table main suppress_prefixlength 0`, "", "192.0.2.10"},
		{"a VPN by two halves of the default route", `
			addr add 192.0.2.10/24 dev eth0
			addr add 10.8.0.2/24 dev eth1
			route add default via 192.0.2.1 dev eth0
			route add 0.0.0.0/1 dev eth1
			route add 128.0.0.0/1 dev eth1`, "", "192.0.2.10"},
		{"a VPN, and a default route without a source of its own", `
			addr add 192.0.2.10/24 dev eth0
			addr add 10.8.0.2/24 dev eth1
			route add default via 192.0.2.1 dev eth0 metric 100
			route add 198.41.0.0/16 dev eth1`, "", "192.0.2.10"},
	} {
		// Others were published before, so that no row profits from the one before it.
		n.clearNetwork()
		must(t, n.ip("addr add 203.0.113.1/24 dev eth0\naddr add 2001:db8:99::1/64 dev eth0 nodad"))
		eventually(t, row.name+": others before", func() error { return n.publishes("203.0.113.1", "2001:db8:99::1") })
		n.clearNetwork()
		eventually(t, row.name+": no address before", func() error { return n.publishes() })
		must(t, n.ip(row.state))
		v6 := strings.Contains(row.state, "route add default via 2001:") || strings.Contains(row.state, "route add default via fe80:")
		var want []string
		if row.want != "" {
			want = []string{row.want}
			must(t, n.kernelUses(row.want, cmp.Or(row.by, "eth0"), v6))
		}
		eventually(t, row.name, func() error { return n.publishes(want...) })
		for _, c := range n.candidates() {
			if c.Reason == "" {
				t.Errorf("%s: candidate %+v", row.name, c)
			}
		}
	}
}

// The next hops of an object are found where the list of routes leaves them out.
func TestNextHopObjectAlone(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNodeOfTwoLinks(t)
	n.clearNetwork()
	n.run("sysctl", "-w", "net.ipv4.nexthop_compat_mode=0")
	n.boot()
	must(t, n.ip(`
		addr add 10.0.0.5/24 dev eth0
		addr add 192.0.2.10/24 dev eth1
		nexthop add id 10 via 192.0.2.1 dev eth1
		route add default nhid 10`))
	if routes := n.run("ip", "route", "show", "default"); strings.Contains(routes, "dev") {
		t.Fatalf("the list has the next hop: %s", routes)
	}
	eventually(t, "the next hop's address", func() error { return n.publishes("192.0.2.10") })
}

// A published address stays while it is good, over a restart too, whatever comes
// beside it.
func TestSourceAddressStays(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNodeOfTwoLinks(t)
	n.clearNetwork()
	ip := func(line string) { must(t, n.ip(line)) }
	d := n.boot()
	ip("addr add 192.0.2.10/24 dev eth0")
	ip("addr add 2001:db8::10/64 dev eth0 nodad")
	ip("route add default via 192.0.2.1 dev eth0")
	ip("route add default via 2001:db8::1 dev eth0")
	eventually(t, "the first addresses", func() error { return n.publishes("192.0.2.10", "2001:db8::10") })

	ip("addr add 2001:db8::99/64 dev eth0 nodad")
	ip("addr add 192.0.2.99/24 dev eth0")
	ip("addr add 192.0.3.10/24 dev eth1")
	ip("route replace default nexthop via 192.0.2.1 dev eth0 nexthop via 192.0.3.1 dev eth1")
	considered := func() error {
		if got := len(n.candidates()); got != 5 {
			return fmt.Errorf("%d candidates", got)
		}
		return nil
	}
	eventually(t, "all are considered", considered)
	must(t, n.publishes("192.0.2.10", "2001:db8::10"))
	eventually(t, "they are saved", func() error {
		if got := n.read("/var/lib/nodedns/addresses"); got != "192.0.2.10 by-route\n2001:db8::10 by-route\n" {
			return fmt.Errorf("%q", got)
		}
		return nil
	})

	d.kill()
	n.boot()
	eventually(t, "the same after a restart", func() error { return n.publishes("192.0.2.10", "2001:db8::10") })
	eventually(t, "all are considered again", considered)
	explained, err := n.nodedns("explain", n.id)
	must(t, err)
	for _, want := range []string{"192.0.2.10", "published before, and still good", "left", "192.0.3.10"} {
		if !strings.Contains(explained, want) {
			t.Errorf("no %q in the explanation:\n%s", want, explained)
		}
	}

	ip("route replace default via 192.0.2.254 dev eth0")
	ip("addr add 198.51.100.10/24 dev eth0")
	eventually(t, "another gateway of its network", func() error { return n.publishes("192.0.2.10", "2001:db8::10") })
	ip("route replace default via 198.51.100.1 dev eth0")
	eventually(t, "renumbered", func() error { return n.publishes("198.51.100.10", "2001:db8::10") })

	ip("addr change 2001:db8::10/64 dev eth0 valid_lft forever preferred_lft 0")
	eventually(t, "a deprecated one gives way", func() error { return n.publishes("198.51.100.10", "2001:db8::99") })
	ip("route replace default via 192.0.3.1 dev eth1")
	eventually(t, "its route is gone", func() error { return n.publishes("192.0.3.10", "2001:db8::99") })
}

// ip runs commands of ip(8), one on each line, in one process: there are hundreds
// of them.
func (m *machine) ip(lines string, options ...string) error {
	m.t.Helper()
	m.write("/etc/ip.batch", lines+"\n")
	_, err := m.try("ip", append(options, "-batch", "/etc/ip.batch")...)
	return err
}

// newNodeOfTwoLinks has eth0 and eth1, which leads nowhere.
func newNodeOfTwoLinks(t testing.TB) *node {
	n := newNode(newLAN(t), "node")
	n.configure(noUpstream)
	n.run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "wire")
	return n
}

// clearNetwork takes all addresses, routes and rules of a test away.
func (m *machine) clearNetwork() {
	m.t.Helper()
	// There may be none of them.
	_ = m.ip(`
		addr flush dev lo scope global
		addr flush dev eth0
		addr flush dev eth1
		link set eth0 down
		link set eth1 down
		link set lo up
		link set wire up
		link set eth0 up
		link set eth1 up
		route flush table main
		nexthop flush
		addr flush dev docker0
		link set docker0 up
		rule del not fwmark 51820 table 51820
		rule del table main suppress_prefixlength 0`, "-force")
	_, _ = m.try("ip", "-6", "route", "flush", "table", "main")
}

// kernelUses reports whether the kernel gives packets that leave by an interface a
// source address.
func (m *machine) kernelUses(addr, by string, v6 bool) error {
	to := "198.51.100.1"
	if v6 {
		to = "2001:db8:ffff::1"
	}
	out, err := m.try("ip", "route", "get", to, "oif", by)
	if err == nil && !strings.Contains(out, "src "+addr+" ") {
		err = fmt.Errorf("the kernel does not use %s: %s", addr, out)
	}
	return err
}

// publishes reports whether a node publishes just these addresses. Without any, it
// goes on answering with the last ones, and none of the machine's is chosen.
func (m *machine) publishes(addrs ...string) error {
	s, err := m.status()
	if err != nil {
		return err
	}
	var chosen []string
	for _, c := range m.candidates() {
		if c.Chosen {
			chosen = append(chosen, c.Address)
		}
	}
	if !slices.Equal(chosen, addrs) || len(addrs) > 0 && !slices.Equal(s.Addresses, addrs) {
		return fmt.Errorf("addresses %v, chosen %v, want %v", s.Addresses, chosen, addrs)
	}
	return nil
}

// candidate is one of the addresses that a node's are chosen from.
type candidate struct {
	Address   string `json:"address"`
	Interface string `json:"interface"`
	Chosen    bool   `json:"chosen"`
	Reason    string `json:"reason"`
}

func (m *machine) candidates() []candidate {
	m.t.Helper()
	var s struct {
		Candidates []candidate `json:"address_candidates"`
	}
	must(m.t, m.readStatus(&s))
	return s.Candidates
}
