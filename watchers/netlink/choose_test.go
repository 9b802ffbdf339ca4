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
func by(r route, gw string) route     { r.via = netip.MustParseAddr(gw); return r }
func within(a address, n int) address { a.bits = n; return a }
func classed(r route, tos int) route  { r.tos = tos; return r }
func scoped(a address) address        { a.global = false; return a }
func alone(links ...link) []link      { return links }
func want(ips ...string) []string     { return ips }
func list(addrs ...address) []address { return addrs }

// asked is what the kernel has, with the answers of one that gives packets the
// preferred source of their route, else the first address of its link, else the
// first of any.
func asked(links []link, addrs []address, routes []route) kernel {
	k := kernel{links, addrs, slices.Clone(routes)}
	for i := range k.routes {
		r := &k.routes[i]
		answer := func(fits func(address) bool) {
			at := slices.IndexFunc(addrs, func(a address) bool {
				tentative := a.flags&unusable != 0
				return !r.answer.IsValid() && a.ip.Is6() == r.v6 && !tentative && a.reachable() && fits(a)
			})
			if at >= 0 {
				r.answer = addrs[at].ip
			}
		}
		answer(func(a address) bool { return a.ip == r.source })
		answer(func(a address) bool { return a.link == r.link && a.global && a.has(r.via) })
		answer(func(a address) bool { return a.link == r.link && a.global })
		answer(func(a address) bool { return a.global })
	}
	return k
}

// ips are the addresses chosen from what the kernel has.
func ips(k kernel, globs []string, present ...string) (all []string) {
	var published []Present
	for _, text := range present {
		published = append(published, Present{netip.MustParseAddr(text), true})
	}
	for _, p := range choose(k, globs, published) {
		all = append(all, p.ip.String())
	}
	return all
}

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
			addrs:  list(on(docker0, "172.17.0.1"), on(eth1, "10.1.0.2")),
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
			want:   want("10.1.0.2"),
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

		"never tentative, optimistic, failed or temporary": {
			addrs: list(
				flagged(eth0, "2001:db8::1", unix.IFA_F_TENTATIVE),
				flagged(eth0, "2001:db8::2", unix.IFA_F_TENTATIVE|unix.IFA_F_OPTIMISTIC),
				flagged(eth0, "2001:db8::3", unix.IFA_F_OPTIMISTIC),
				flagged(eth0, "2001:db8::4", unix.IFA_F_DADFAILED),
				flagged(eth0, "2001:db8::6", unix.IFA_F_TEMPORARY),
			),
			routes: []route{via6(eth0, 0), via(eth0, 0)},
		},
		"deprecated, and no other": {
			addrs:  list(flagged(eth0, "2001:db8::5", unix.IFA_F_DEPRECATED), flagged(eth0, "10.0.0.5", unix.IFA_F_DEPRECATED)),
			routes: []route{via6(eth0, 0), via(eth0, 0)},
			want:   want("10.0.0.5", "2001:db8::5"),
		},
		"deprecated, and another one": {
			addrs:  list(flagged(eth0, "10.0.0.5", unix.IFA_F_DEPRECATED), on(eth0, "10.0.0.6")),
			routes: []route{via(eth0, 0)},
			want:   want("10.0.0.6"),
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
			got := ips(asked(links, tt.addrs, tt.routes), tt.globs)
			if !slices.Equal(got, tt.want) {
				t.Errorf("choose = %v, want %v", got, tt.want)
			}
		})
	}
}

// What the kernel uses decides, if it is an address of the route's link, of the
// link's master or of loopback, and stable.
func TestChooseBySource(t *testing.T) {
	t.Parallel()
	port := port0 // of br0
	for name, tt := range map[string]struct {
		addrs []address
		route route
		from  string // the kernel's source
		want  []string
	}{
		"not the first of the link":            {list(on(eth0, "10.0.0.5"), on(eth0, "192.0.2.10")), via(eth0, 0), "192.0.2.10", want("192.0.2.10")},
		"behind a virtual one":                 {list(on(eth0, "192.0.2.99"), on(eth0, "192.0.2.10")), via(eth0, 0), "192.0.2.10", want("192.0.2.10")},
		"on loopback":                          {list(on(lo, "10.0.0.1")), via(eth0, 0), "10.0.0.1", want("10.0.0.1")},
		"on the link's master":                 {list(on(br0, "10.0.0.1")), via(port, 0), "10.0.0.1", want("10.0.0.1")},
		"of a network inside":                  {list(on(docker0, "172.17.0.1")), via(eth0, 0), "172.17.0.1", nil},
		"of a network inside, one on loopback": {list(on(docker0, "172.17.0.1"), on(lo, "10.0.0.1")), via(eth0, 0), "172.17.0.1", nil},
		"of a narrower scope":                  {list(scoped(on(eth0, "10.0.0.1"))), via(eth0, 0), "10.0.0.1", want("10.0.0.1")},
		"a preferred one elsewhere":            {list(on(ipvs, "10.0.0.1"), on(eth0, "192.0.2.10")), from(via(eth0, 0), "10.0.0.1"), "10.0.0.1", want("10.0.0.1")},
		"temporary: that of the same network": {
			list(flagged(eth0, "2001:db8::aa", unix.IFA_F_TEMPORARY), on(eth0, "fd00::1"), on(eth0, "2001:db8::1")),
			via6(eth0, 0), "2001:db8::aa", want("2001:db8::1"),
		},
		"a global one, not the newer ULA": {list(on(eth0, "fd00::1"), on(eth0, "2001:db8::1")), via6(eth0, 0), "2001:db8::1", want("2001:db8::1")},
		"none, as no packet leaves by it": {list(on(eth0, "10.0.0.5")), via(eth0, 0), "", nil},
		"a route for a class of packets":  {list(on(eth1, "10.1.0.5")), classed(via(eth1, 0), 16), "10.1.0.5", want("10.1.0.5")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := tt.route
			if tt.from != "" {
				r.answer = netip.MustParseAddr(tt.from)
			}
			if got := ips(kernel{allLinks, tt.addrs, []route{r}}, nil); !slices.Equal(got, tt.want) {
				t.Errorf("choose = %v, want %v", got, tt.want)
			}
		})
	}
}

// The present address stays while it is good.
func TestChooseStays(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		addrs   []address
		routes  []route
		globs   []string
		present string
		want    []string
	}{
		"a new one before it":       {list(on(eth0, "10.0.0.9"), on(eth0, "10.0.0.2")), []route{via(eth0, 0)}, nil, "10.0.0.2", want("10.0.0.2")},
		"another next hop":          {list(on(eth0, "10.0.0.2"), on(eth1, "10.1.0.2")), []route{via(eth0, 0), via(eth1, 0)}, nil, "10.1.0.2", want("10.1.0.2")},
		"its next hop is gone":      {list(on(eth0, "10.0.0.2"), on(eth1, "10.1.0.2")), []route{via(eth0, 0)}, nil, "10.1.0.2", want("10.0.0.2")},
		"a route of lower metric":   {list(on(eth0, "10.0.0.2"), on(eth1, "10.1.0.2")), []route{via(eth0, 1), via(eth1, 2)}, nil, "10.1.0.2", want("10.0.0.2")},
		"it is gone":                {list(on(eth0, "10.0.0.9")), []route{via(eth0, 0)}, nil, "10.0.0.2", want("10.0.0.9")},
		"it is deprecated":          {list(flagged(eth0, "2001:db8::1", unix.IFA_F_DEPRECATED), on(eth0, "2001:db8::2")), []route{via6(eth0, 0)}, nil, "2001:db8::1", want("2001:db8::2")},
		"all are deprecated":        {list(flagged(eth0, "2001:db8::2", unix.IFA_F_DEPRECATED), flagged(eth0, "2001:db8::1", unix.IFA_F_DEPRECATED)), []route{via6(eth0, 0)}, nil, "2001:db8::1", want("2001:db8::1")},
		"on loopback, and one here": {list(on(lo, "192.0.2.1"), on(eth0, "10.0.0.2")), []route{via(eth0, 0)}, nil, "192.0.2.1", want("192.0.2.1")},
		"of a network inside":       {list(on(docker0, "172.17.0.1"), on(eth0, "10.0.0.2")), []route{via(eth0, 0)}, nil, "172.17.0.1", want("10.0.0.2")},
		"the route has a source":    {list(on(eth0, "10.0.0.2"), on(eth0, "10.0.0.9")), []route{from(via(eth0, 0), "10.0.0.9")}, nil, "10.0.0.2", want("10.0.0.9")},
		"the gateway of another network": {
			list(within(on(eth0, "10.0.0.2"), 24), within(on(eth0, "192.0.2.2"), 24)),
			[]route{by(via(eth0, 0), "192.0.2.1")},
			nil, "10.0.0.2", want("192.0.2.2"),
		},
		"another gateway of its network": {
			list(within(on(eth0, "10.0.0.9"), 24), within(on(eth0, "10.0.0.2"), 24)),
			[]route{by(via(eth0, 0), "10.0.0.1")},
			nil, "10.0.0.2", want("10.0.0.2"),
		},
		"an address that is its whole network": {
			list(within(on(eth0, "10.0.0.2"), 32), within(on(eth0, "192.0.2.2"), 24)),
			[]route{by(via(eth0, 0), "192.0.2.1")},
			nil, "10.0.0.2", want("10.0.0.2"),
		},
		"a gateway of no network": {
			list(within(on(eth0, "10.0.0.9"), 24), within(on(eth0, "10.0.0.2"), 24)),
			[]route{by(via(eth0, 0), "192.0.2.1")},
			nil, "10.0.0.2", want("10.0.0.2"),
		},
		"no route, another interface":   {list(on(eth0, "10.0.0.2"), on(eth1, "10.1.0.2")), nil, nil, "10.1.0.2", want("10.1.0.2")},
		"not on an interface of these":  {list(on(eth0, "10.0.0.2"), on(eth1, "10.1.0.2")), nil, []string{"eth0"}, "10.1.0.2", want("10.0.0.2")},
		"not the other family's either": {list(on(eth0, "2001:db8::1"), on(docker0, "10.244.0.1")), []route{via6(eth0, 0)}, nil, "10.244.0.1", want("2001:db8::1")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := ips(asked(allLinks, tt.addrs, tt.routes), tt.globs, tt.present); !slices.Equal(got, tt.want) {
				t.Errorf("choose = %v, want %v", got, tt.want)
			}
		})
	}
}

// What was published without a default route does not stay when there is one.
func TestChooseByRouteThen(t *testing.T) {
	t.Parallel()
	present := []Present{{netip.MustParseAddr("10.0.0.5"), false}}
	k := kernel{allLinks, list(on(eth0, "10.0.0.4"), on(eth0, "10.0.0.5"), on(eth0, "192.0.2.10")), nil}
	if got := choose(k, nil, present); len(got) != 1 || got[0].ip != present[0].Addr || got[0].byRoute {
		t.Errorf("without a route %v", got)
	}
	r := via(eth0, 0)
	r.answer = netip.MustParseAddr("192.0.2.10")
	k.routes = []route{r}
	if got := choose(k, nil, present); len(got) != 1 || got[0].ip != r.answer || !got[0].byRoute {
		t.Errorf("with one %v", got)
	}
}

// A family without a default route has no address of a network inside of the
// machine, whatever kind of link that is on.
func TestChooseLeavesNetworksInside(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"veth", "macvlan", "dummy", "bridge", "device", "vrf"} {
		inside := link{index: 20, names: []string{"inside"}, kind: kind, encap: "ether", up: true}
		links := alone(lo, eth0, inside)
		addrs := list(on(eth0, "2001:db8::1"), on(inside, "10.244.0.1"))
		routes := []route{via6(eth0, 0)}
		if got := ips(asked(links, addrs, routes), nil); !slices.Equal(got, want("2001:db8::1")) {
			t.Errorf("%s: choose = %v", kind, got)
		}
		addrs = append(addrs, on(lo, "192.0.2.1"))
		if got := ips(asked(links, addrs, routes), nil); !slices.Equal(got, want("192.0.2.1", "2001:db8::1")) {
			t.Errorf("%s, and one on loopback: choose = %v", kind, got)
		}
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
		k := asked(links, addrs, routes)
		if got := ips(k, nil); !slices.Equal(got, want("10.0.0.2")) {
			t.Errorf("choose = %v", got)
		}
		if k.routes[1].link != eth1.index {
			t.Error("choose reordered its argument")
		}
		slices.Reverse(links)
		slices.Reverse(routes)
	}
}
