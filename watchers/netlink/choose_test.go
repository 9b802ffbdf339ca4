package netlink

import (
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// Links of the tables below. The index is not the order of the list.
var (
	lo      = link{index: 1, names: []string{"lo"}, kind: "device", encap: "loopback", up: true, loopback: true}
	eth0    = link{index: 2, names: []string{"eth0", "enp1s0"}, kind: "device", encap: "ether", up: true}
	eth1    = link{index: 3, names: []string{"eth1"}, kind: "device", encap: "ether", up: true}
	wg0     = link{index: 4, names: []string{"wg0"}, kind: "wireguard", encap: "none", up: true}
	docker0 = link{index: 5, names: []string{"docker0"}, kind: "bridge", encap: "ether", up: true}
	veth1   = link{index: 6, names: []string{"veth1"}, kind: "veth", encap: "ether", up: true, master: 5}
	br0     = link{index: 7, names: []string{"br0"}, kind: "bridge", encap: "ether", up: true}
	port0   = link{index: 8, names: []string{"eth7"}, kind: "device", encap: "ether", up: true, master: 7}
	ipvs    = link{index: 9, names: []string{"kube-ipvs0"}, kind: "dummy", encap: "ether", up: true}
	old     = link{index: 10, names: []string{"tunl0"}, kind: "device", encap: "ipip", up: true}
	modem   = link{index: 11, names: []string{"wwan0"}, kind: "device", encap: "none", up: true}
	dark    = link{index: 12, names: []string{"eth9"}, kind: "device", encap: "ether"}

	allLinks = []link{eth1, wg0, old, docker0, veth1, br0, port0, ipvs, modem, dark, eth0, lo}
)

func on(l link, ip string) address {
	return address{link: l.index, ip: netip.MustParseAddr(ip), global: true}
}

func flagged(l link, ip string, flags int) address {
	a := on(l, ip)
	a.flags = flags
	return a
}

func via(l link, metric int) route    { return route{link: l.index, metric: metric} }
func via6(l link, metric int) route   { return route{link: l.index, metric: metric, v6: true} }
func from(r route, ip string) route   { r.source = netip.MustParseAddr(ip); return r }
func scoped(a address) address        { a.global = false; return a }
func alone(links ...link) []link      { return links }
func want(ips ...string) []string     { return ips }
func list(addrs ...address) []address { return addrs }

func TestChoose(t *testing.T) {
	for name, tt := range map[string]struct {
		links  []link // nil: allLinks
		addrs  []address
		routes []route
		globs  []string
		want   []string
	}{
		"nothing": {},
		"route of lowest metric": {
			addrs:  list(on(eth0, "10.0.0.2"), on(eth1, "10.1.0.2")),
			routes: []route{via(eth0, 200), via(eth1, 100)},
			want:   want("10.1.0.2"),
		},
		"equal metrics: lowest index": {
			addrs:  list(on(eth1, "10.1.0.2"), on(eth0, "10.0.0.2")),
			routes: []route{via(eth1, 100), via(eth0, 100)},
			want:   want("10.0.0.2"),
		},
		"each family by its own route, IPv4 first": {
			addrs:  list(on(eth0, "2001:db8::2"), on(eth0, "10.0.0.2"), on(eth1, "10.1.0.2"), on(eth1, "2001:db8:1::2")),
			routes: []route{via6(eth1, 1024), via(eth0, 0)},
			want:   want("10.0.0.2", "2001:db8:1::2"),
		},
		"preferred source": {
			addrs:  list(on(eth0, "10.0.0.2"), on(eth0, "10.0.0.3")),
			routes: []route{from(via(eth0, 0), "10.0.0.3")},
			want:   want("10.0.0.3"),
		},
		"preferred source on loopback": {
			addrs:  list(on(lo, "192.0.2.1"), on(eth0, "10.0.0.2")),
			routes: []route{from(via(eth0, 0), "192.0.2.1")},
			want:   want("192.0.2.1"),
		},
		"preferred source of a narrower scope": {
			addrs:  list(scoped(on(eth0, "10.0.0.3")), on(eth0, "10.0.0.2")),
			routes: []route{from(via(eth0, 0), "10.0.0.3")},
			want:   want("10.0.0.3"),
		},
		"preferred source not assigned": {
			addrs:  list(on(eth0, "10.0.0.2")),
			routes: []route{from(via(eth0, 0), "10.0.0.3")},
			want:   want("10.0.0.2"),
		},
		"preferred source tentative": {
			addrs:  list(flagged(eth0, "2001:db8::3", unix.IFA_F_TENTATIVE), on(eth0, "2001:db8::2")),
			routes: []route{from(via6(eth0, 0), "2001:db8::3")},
			want:   want("2001:db8::2"),
		},
		"preferred source of the other metric": {
			addrs:  list(on(eth0, "10.0.0.2"), on(eth0, "10.0.0.3")),
			routes: []route{via(eth0, 10), from(via(eth0, 20), "10.0.0.3")},
			want:   want("10.0.0.2"),
		},
		"first of the interface, as the kernel lists them": {
			addrs:  list(on(eth0, "10.0.0.9"), on(eth0, "10.0.0.2")),
			routes: []route{via(eth0, 0)},
			want:   want("10.0.0.9"),
		},
		"narrower scope is not global": {
			addrs:  list(scoped(on(eth0, "10.0.0.9")), on(eth0, "10.0.0.2")),
			routes: []route{via(eth0, 0)},
			want:   want("10.0.0.2"),
		},
		"interface without an address: the next route": {
			addrs:  list(on(lo, "192.0.2.1"), on(eth1, "10.1.0.2")),
			routes: []route{via(eth0, 0), via(eth1, 5)},
			want:   want("10.1.0.2"),
		},
		"route through an interface that is down": {
			addrs:  list(on(dark, "10.9.0.2"), on(eth1, "10.1.0.2")),
			routes: []route{via(dark, 0), via(eth1, 5)},
			want:   want("10.1.0.2"),
		},
		"route through an interface gone since": {
			links:  alone(eth0),
			addrs:  list(on(eth1, "10.1.0.2"), on(eth0, "10.0.0.2")),
			routes: []route{via(eth1, 0)},
			want:   want("10.0.0.2"),
		},
		"route through a tunnel": {
			addrs:  list(on(wg0, "10.8.0.2"), on(eth0, "10.0.0.2")),
			routes: []route{via(wg0, 0), via(eth0, 100)},
			want:   want("10.0.0.2"),
		},
		"tunnel by its hardware type": {
			addrs:  list(on(old, "10.8.0.2"), on(eth0, "10.0.0.2")),
			routes: []route{via(old, 0), via(eth0, 100)},
			want:   want("10.0.0.2"),
		},
		"raw link of a modem is no tunnel": {
			addrs:  list(on(modem, "100.64.0.2"), on(eth0, "10.0.0.2")),
			routes: []route{via(modem, 0)},
			want:   want("100.64.0.2"),
		},
		"only a tunnel": {
			addrs:  list(on(wg0, "10.8.0.2")),
			routes: []route{via(wg0, 0)},
		},
		"tunnel listed": {
			addrs:  list(on(wg0, "10.8.0.2"), on(eth0, "10.0.0.2")),
			routes: []route{via(wg0, 0), via(eth0, 100)},
			globs:  []string{"eth*", "wg?"},
			want:   want("10.8.0.2"),
		},
		"route through an interface not listed": {
			addrs:  list(on(eth0, "10.0.0.2"), on(eth1, "10.1.0.2")),
			routes: []route{via(eth0, 0), via(eth1, 100)},
			globs:  []string{"eth1"},
			want:   want("10.1.0.2"),
		},
		"listed by an alternative name": {
			addrs:  list(on(eth0, "10.0.0.2"), on(eth1, "10.1.0.2")),
			routes: []route{via(eth1, 0)},
			globs:  []string{"enp*"},
			want:   want("10.0.0.2"),
		},
		"nothing listed exists": {
			addrs:  list(on(eth0, "10.0.0.2")),
			routes: []route{via(eth0, 0)},
			globs:  []string{"bond*"},
		},
		"route through a bridge of containers": {
			addrs:  list(on(docker0, "172.17.0.1")),
			routes: []route{via(docker0, 0)},
			want:   want("172.17.0.1"),
		},

		"no route: lowest index": {
			addrs: list(on(eth1, "10.1.0.2"), on(eth0, "10.0.0.2")),
			want:  want("10.0.0.2"),
		},
		"no route of the family: the other family's interface": {
			addrs:  list(on(eth0, "fd00::2"), on(eth1, "fd01::2"), on(eth1, "10.1.0.2")),
			routes: []route{via(eth1, 0)},
			want:   want("10.1.0.2", "fd01::2"),
		},
		"no route of the family, nor an address there": {
			addrs:  list(on(eth0, "fd00::2"), on(eth1, "10.1.0.2")),
			routes: []route{via(eth1, 0)},
			want:   want("10.1.0.2", "fd00::2"),
		},
		"no route: what does not lead out": {
			addrs: list(
				on(lo, "192.0.2.1"), on(wg0, "10.8.0.2"), on(docker0, "172.17.0.1"), on(veth1, "172.17.0.9"),
				on(ipvs, "10.96.0.1"), on(old, "10.9.0.1"), on(dark, "10.9.0.2"), on(port0, "10.9.0.3"),
			),
		},
		"no route: bridge with an outward port": {
			addrs: list(on(docker0, "172.17.0.1"), on(br0, "10.2.0.2")),
			want:  want("10.2.0.2"),
		},
		"no route: listed": {
			addrs: list(on(eth0, "10.0.0.2"), on(docker0, "172.17.0.1")),
			globs: []string{"docker0"},
			want:  want("172.17.0.1"),
		},
		"no route: loopback listed": {
			addrs: list(on(lo, "127.0.0.1"), on(lo, "192.0.2.1"), on(lo, "::1")),
			globs: []string{"lo"},
			want:  want("192.0.2.1"),
		},
		"no route: listed but down": {
			addrs: list(on(dark, "10.9.0.2")),
			globs: []string{"*"},
		},

		"never tentative, optimistic, deprecated, failed or temporary": {
			addrs: list(
				flagged(eth0, "2001:db8::1", unix.IFA_F_TENTATIVE),
				flagged(eth0, "2001:db8::2", unix.IFA_F_TENTATIVE|unix.IFA_F_OPTIMISTIC),
				flagged(eth0, "2001:db8::3", unix.IFA_F_OPTIMISTIC),
				flagged(eth0, "2001:db8::4", unix.IFA_F_DADFAILED),
				flagged(eth0, "2001:db8::5", unix.IFA_F_DEPRECATED),
				flagged(eth0, "2001:db8::6", unix.IFA_F_TEMPORARY),
				flagged(eth0, "10.0.0.5", unix.IFA_F_DEPRECATED),
			),
			routes: []route{via6(eth0, 0), via(eth0, 0)},
		},
		"permanent, managed, without DAD": {
			addrs:  list(flagged(eth0, "2001:db8::1", unix.IFA_F_PERMANENT|unix.IFA_F_MANAGETEMPADDR|unix.IFA_F_NODAD)),
			routes: []route{via6(eth0, 0)},
			want:   want("2001:db8::1"),
		},
		"secondary IPv4 has the bit of temporary IPv6": {
			addrs:  list(flagged(eth0, "10.0.0.2", unix.IFA_F_SECONDARY)),
			routes: []route{via(eth0, 0)},
			want:   want("10.0.0.2"),
		},
		"never special addresses": {
			addrs: list(
				on(eth0, "127.1.2.3"), on(eth0, "169.254.1.1"), on(eth0, "0.0.0.0"), on(eth0, "224.0.0.1"),
				on(eth0, "255.255.255.255"), on(eth0, "::"), on(eth0, "::1"), on(eth0, "fe80::1"),
				on(eth0, "ff02::1"), on(eth0, "::ffff:192.0.2.1"),
			),
			routes: []route{via(eth0, 0), via6(eth0, 0), from(via(eth0, 0), "169.254.1.1")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			links := tt.links
			if links == nil {
				links = allLinks
			}
			var got []string
			for _, ip := range choose(links, tt.addrs, tt.routes, tt.globs) {
				got = append(got, ip.String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("choose = %v, want %v", got, tt.want)
			}
		})
	}
}

// The kernel's order of links and of equal routes must not matter, and the
// lists belong to the caller.
func TestChooseIgnoresListOrder(t *testing.T) {
	t.Parallel()
	addrs := list(on(eth0, "10.0.0.2"), on(eth1, "10.1.0.2"), on(modem, "100.64.0.2"))
	routes := []route{via(modem, 1), via(eth1, 1), via(eth0, 1)}
	links := slices.Clone(allLinks)
	for range 2 {
		got := choose(links, addrs, routes, nil)
		if len(got) != 1 || got[0] != netip.MustParseAddr("10.0.0.2") {
			t.Errorf("choose = %v", got)
		}
		if routes[1].link != eth1.index {
			t.Error("choose reordered its argument")
		}
		slices.Reverse(links)
		slices.Reverse(routes)
	}
}
