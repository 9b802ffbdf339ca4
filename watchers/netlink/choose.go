package netlink

import (
	"cmp"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// kernel is what the kernel's lists have at one moment.
type kernel struct {
	links  []link
	addrs  []address
	routes []route
}

// address is one that is assigned to a link.
type address struct {
	link   int // index
	ip     netip.Addr
	bits   int // length of its network's prefix
	flags  int // IFA_F_*
	global bool
}

// route is one path out of the machine, via a default route of the main table.
type route struct {
	link   int // index
	v6     bool
	metric int
	tos    int        // of the packets that it is for; 0: all
	source netip.Addr // preferred source, or the zero Addr
	via    netip.Addr // gateway, of either family, or the zero Addr

	// answer is the source address of packets that leave by this route, or the zero
	// Addr if none would.
	answer netip.Addr
}

// gateways lists the gateways of routes, sorted and each once.
func gateways(routes []route) (all []netip.Addr) {
	for _, r := range routes {
		if r.via.IsValid() {
			all = append(all, r.via)
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// unusable are the flags of addresses that are never published. The duplicate
// address detection of a tentative one may still fail, that of an optimistic
// one too, although it may be used already (RFC 4429).
const unusable = unix.IFA_F_TENTATIVE | unix.IFA_F_OPTIMISTIC | unix.IFA_F_DADFAILED

// reachable reports whether an address can be that of a host for others.
func (a address) reachable() bool { return !a.ip.Is4In6() && a.ip.IsGlobalUnicast() }

// has reports whether a gateway is in the network of an address.
func (a address) has(gateway netip.Addr) bool {
	network, err := a.ip.Prefix(a.bits)
	return err == nil && network.Contains(gateway)
}

// temporary reports whether an address changes every day (RFC 8981). For IPv4 the
// same bit means secondary, which is as good as any.
func (a address) temporary() bool { return a.ip.Is6() && a.flags&unix.IFA_F_TEMPORARY != 0 }

// usable reports whether peers can reach us under a, now and later.
func (a address) usable() bool { return a.reachable() && a.flags&unusable == 0 && !a.temporary() }

// deprecated reports whether an address is on its way out (RFC 4862, section
// 5.5.4), and is used as long as there is no other.
func (a address) deprecated() bool { return a.flags&unix.IFA_F_DEPRECATED != 0 }

// choose returns the addresses to publish, as the package comment describes: at
// most one of each family, IPv4 first, with the reason. Present are those that are
// published. It depends on nothing else.
func choose(k kernel, globs []string, present []Present) (chosen []pick) {
	for _, v6 := range []bool{false, true} {
		if p, ok := newChoice(k, globs, present, v6).pick(); ok {
			chosen = append(chosen, p)
		}
	}
	return chosen
}

// pick is an address that was chosen, and why.
type pick struct {
	address
	reason  string
	byRoute bool
}

// choice is what the address of one family is chosen from, in the order of
// preference.
type choice struct {
	links   []link
	addrs   []address // the usable ones of the family
	routes  []route   // of the family, by suitable links
	others  []route   // of the other family
	globs   []string
	present []Present
}

func newChoice(k kernel, globs []string, present []Present, v6 bool) choice {
	c := choice{links: slices.Clone(k.links), globs: globs, present: present}
	slices.SortStableFunc(c.links, func(a, b link) int { return cmp.Compare(a.index, b.index) })
	for _, a := range k.addrs {
		if a.ip.Is6() == v6 && a.usable() {
			c.addrs = append(c.addrs, a)
		}
	}
	for _, r := range k.routes {
		switch {
		case !c.suitable(r.link) || r.tos != 0:
		case r.v6 == v6:
			c.routes = append(c.routes, r)
		default:
			c.others = append(c.others, r)
		}
	}
	c.sort(c.routes)
	c.sort(c.others)
	return c
}

// sort puts routes into the order of their metrics. Of equal ones, and of the
// several next hops of one, those with the present address come first.
func (c choice) sort(routes []route) {
	rank := func(r route) int {
		if slices.ContainsFunc(c.on(r.link), func(a address) bool { return c.isPresent(a, true) }) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(routes, func(a, b route) int {
		return cmp.Or(cmp.Compare(a.metric, b.metric), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.link, b.link))
	})
}

// pick chooses the address.
func (c choice) pick() (pick, bool) {
	for _, r := range c.routes {
		if p, ok := c.byRoute(r); ok {
			return p, true
		}
	}
	if len(c.routes) > 0 {
		return pick{}, false
	}
	return c.byLink()
}

// byRoute returns the address that belongs to a default route: the preferred source
// of the route, the present one while it is good, else the source that the kernel
// uses. A source of another link is that of a network inside of the machine, and a
// temporary one changes every day; then it is a stable one of the route's link.
func (c choice) byRoute(r route) (pick, bool) {
	if !r.answer.IsValid() {
		return pick{}, false
	}
	there := picks(chosenStable, true, c.on(r.link))
	var near []pick
	for _, index := range c.sources(r.link) {
		near = append(near, picks(chosenPresent, true, c.on(index))...)
	}
	stays := c.staying(slices.DeleteFunc(near, func(p pick) bool { return c.outlives(p.address, r) }))
	for _, a := range c.addrs {
		switch {
		case a.ip != r.answer:
		case a.ip == r.source:
			return pick{a, chosenPreferred, true}, true
		case slices.Contains(c.sources(r.link), a.link):
			return first(slices.Insert(there, 0, pick{a, chosenSource, true}), stays)
		}
	}
	slices.SortStableFunc(there, func(a, b pick) int {
		return cmp.Compare(common(b.ip, r.answer), common(a.ip, r.answer))
	})
	return first(there, stays)
}

// outlives reports whether an address was that of another route than the link has now:
// the gateway is in the network of another one. That happens while a link is
// renumbered.
func (c choice) outlives(a address, r route) bool {
	alone := a.bits == a.ip.BitLen() // as in clouds, where the gateway is in no network
	return a.link == r.link && !alone && !a.has(r.via) &&
		slices.ContainsFunc(c.on(r.link), func(other address) bool { return other.has(r.via) })
}

// byLink returns the address of a link that no default route of the family leads
// to.
func (c choice) byLink() (pick, bool) {
	var fit []pick
	for _, r := range c.others {
		fit = append(fit, picks(chosenOther, false, c.on(r.link))...)
	}
	if len(c.globs) == 0 && len(c.others) > 0 {
		fit = append(fit, picks(chosenLoopback, false, c.onLoopback())...)
		return first(fit, c.staying(fit))
	}
	for _, l := range c.links {
		switch {
		case !l.up:
		case len(c.globs) > 0 && matches(l, c.globs):
			fit = append(fit, picks(chosenListed, false, c.on(l.index))...)
		case len(c.globs) == 0 && leadsOut(l, c.links):
			fit = append(fit, picks(chosenLink, false, c.on(l.index))...)
		}
	}
	return first(fit, c.staying(fit))
}

// first returns the first that stays, else the first of those that fit. One that is
// deprecated gives way to any that is not.
func first(fit, stays []pick) (pick, bool) {
	all := slices.Concat(stays, fit)
	if slices.ContainsFunc(fit, func(p pick) bool { return !p.deprecated() }) {
		all = slices.DeleteFunc(all, func(p pick) bool { return p.deprecated() })
	}
	if len(all) == 0 {
		return pick{}, false
	}
	return all[0], true
}

// staying are those of some picks that were published before.
func (c choice) staying(fit []pick) (all []pick) {
	for _, p := range fit {
		if c.isPresent(p.address, p.byRoute) {
			p.reason = chosenPresent
			all = append(all, p)
		}
	}
	return all
}

// isPresent reports whether an address was published last, and where it matters by a
// default route.
func (c choice) isPresent(a address, byRoute bool) bool {
	return slices.ContainsFunc(c.present, func(p Present) bool { return p.Addr == a.ip && (p.ByRoute || !byRoute) })
}

func picks(reason string, byRoute bool, addrs []address) (all []pick) {
	for _, a := range addrs {
		all = append(all, pick{a, reason, byRoute})
	}
	return all
}

// common is how many bits two addresses of one family have in common at their
// beginning.
func common(a, b netip.Addr) int {
	if a.BitLen() != b.BitLen() {
		return 0
	}
	for bits := a.BitLen(); bits > 0; bits-- {
		if prefix, err := a.Prefix(bits); err == nil && prefix.Contains(b) {
			return bits
		}
	}
	return 0
}

// suitable reports whether a default route through a link may decide.
func (c choice) suitable(index int) bool {
	l, known := c.link(index)
	switch {
	case !known || !l.up:
		return false
	case len(c.globs) > 0:
		return matches(l, c.globs)
	}
	return !l.loopback && !l.tunnel()
}

func (c choice) link(index int) (link, bool) {
	at := slices.IndexFunc(c.links, func(l link) bool { return l.index == index })
	if at < 0 {
		return link{}, false
	}
	return c.links[at], true
}

// on returns a link's addresses of global scope.
func (c choice) on(index int) (all []address) {
	for _, a := range c.addrs {
		if a.link == index && a.global {
			all = append(all, a)
		}
	}
	return all
}

// master is the bridge, bond or VRF that a link is a member of, or 0.
func (c choice) master(index int) int {
	l, _ := c.link(index)
	return l.master
}

// sources are the links that a source of packets which leave by a link may be on.
func (c choice) sources(index int) []int {
	all := []int{index}
	for _, l := range c.links {
		if l.loopback || l.index == c.master(index) {
			all = append(all, l.index)
		}
	}
	return all
}

func (c choice) onLoopback() (all []address) {
	for _, l := range c.links {
		if l.loopback {
			all = append(all, c.on(l.index)...)
		}
	}
	return all
}
