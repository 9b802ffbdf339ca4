package netlink

import (
	"cmp"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// address is one that is assigned to a link.
type address struct {
	link   int // index
	ip     netip.Addr
	flags  int // IFA_F_*
	global bool
}

// route is one path out of the machine, via a default route of the main table.
type route struct {
	link   int // index
	v6     bool
	metric int
	source netip.Addr // preferred source, or the zero Addr
	via    netip.Addr // gateway, of either family, or the zero Addr
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
// one too, although it may be used already (RFC 4429). A deprecated one is on
// its way out (RFC 4862, section 5.5.4).
const unusable = unix.IFA_F_TENTATIVE | unix.IFA_F_OPTIMISTIC | unix.IFA_F_DADFAILED | unix.IFA_F_DEPRECATED

// usable reports whether peers can reach us under a, now and later.
func (a address) usable() bool {
	if a.ip.Is4In6() || !a.ip.IsGlobalUnicast() || a.flags&unusable != 0 {
		return false
	}
	// Temporary addresses (RFC 8981) change every day. For IPv4 the same bit
	// means secondary, which is as good as any.
	return !a.ip.Is6() || a.flags&unix.IFA_F_TEMPORARY == 0
}

// choose returns the addresses to publish, as the package comment describes: at
// most one of each family, IPv4 first. It depends on nothing else, and so on no
// earlier choice.
func choose(links []link, addrs []address, routes []route, globs []string) []netip.Addr {
	c := choice{
		links:  slices.Clone(links),
		addrs:  slices.DeleteFunc(slices.Clone(addrs), func(a address) bool { return !a.usable() }),
		routes: slices.Clone(routes),
		globs:  globs,
	}
	slices.SortStableFunc(c.links, func(a, b link) int { return cmp.Compare(a.index, b.index) })
	slices.SortStableFunc(c.routes, func(a, b route) int {
		return cmp.Or(cmp.Compare(a.metric, b.metric), cmp.Compare(a.link, b.link))
	})

	var chosen []netip.Addr
	for _, v6 := range []bool{false, true} {
		ip, ok := c.byRoute(v6)
		if !ok {
			ip, ok = c.byLink(v6)
		}
		if ok {
			chosen = append(chosen, ip)
		}
	}
	return chosen
}

// choice is what the choice is made from, in the order of preference.
type choice struct {
	links  []link
	addrs  []address // the usable ones
	routes []route
	globs  []string
}

// byRoute returns the address that belongs to the family's best default route.
func (c choice) byRoute(v6 bool) (netip.Addr, bool) {
	for _, r := range c.routes {
		if r.v6 != v6 || !c.suitable(r.link) {
			continue
		}
		// The preferred source may sit on another link, often on loopback. The
		// kernel keeps a route whose IPv6 source is not (yet) usable.
		assigned := slices.ContainsFunc(c.addrs, func(a address) bool { return a.ip == r.source })
		if assigned {
			return r.source, true
		}
		if ip, ok := c.first(r.link, v6); ok {
			return ip, true
		}
	}
	return netip.Addr{}, false
}

// byLink returns the address of a link that no default route of the family
// leads to. The links of the other family's routes come first: the machine is
// known to be reached through them.
func (c choice) byLink(v6 bool) (netip.Addr, bool) {
	var indexes []int
	for _, r := range c.routes {
		if c.suitable(r.link) {
			indexes = append(indexes, r.link)
		}
	}
	for _, l := range c.links {
		if l.up && (matches(l, c.globs) || len(c.globs) == 0 && leadsOut(l, c.links)) {
			indexes = append(indexes, l.index)
		}
	}
	for _, index := range indexes {
		if ip, ok := c.first(index, v6); ok {
			return ip, true
		}
	}
	return netip.Addr{}, false
}

// suitable reports whether a default route through a link may decide.
func (c choice) suitable(index int) bool {
	at := slices.IndexFunc(c.links, func(l link) bool { return l.index == index })
	if at < 0 || !c.links[at].up {
		return false
	}
	l := c.links[at]
	if len(c.globs) > 0 {
		return matches(l, c.globs)
	}
	return !l.loopback && !l.tunnel()
}

// first returns a link's first usable address of global scope.
func (c choice) first(index int, v6 bool) (netip.Addr, bool) {
	for _, a := range c.addrs {
		if a.link == index && a.global && a.ip.Is6() == v6 {
			return a.ip, true
		}
	}
	return netip.Addr{}, false
}
