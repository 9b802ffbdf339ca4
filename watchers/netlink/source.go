package netlink

import (
	"fmt"
	"net/netip"

	rtnetlink "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// destinations are hosts far away, of different networks: those of the root name
// servers a, f, k and m. The kernel is asked for the route to them, and nothing is
// sent.
var destinations = map[bool][]netip.Addr{
	false: {
		netip.MustParseAddr("198.41.0.4"), netip.MustParseAddr("192.5.5.241"),
		netip.MustParseAddr("193.0.14.129"), netip.MustParseAddr("202.12.27.33"),
	},
	true: {
		netip.MustParseAddr("2001:503:ba3e::2:30"), netip.MustParseAddr("2001:500:2f::f"),
		netip.MustParseAddr("2001:7fd::1"), netip.MustParseAddr("2001:dc3::35"),
	},
}

// maxAsked bounds the questions of a reading, for each family. Further default routes
// have no source.
const maxAsked = 64

// ask fills in which source addresses the kernel gives packets that leave by some
// default routes, and the gateways of those whose next hops the list has not. Several
// next hops by one link are one question: each would get the same answer.
//
// It asks by the route's link, or the rules of a VPN that takes all packets would
// make the tunnel's address that of the machine, and for a destination that leads to
// just this route, as others may be reached in another way. 0.0.0.0 as destination
// would be loopback, and the gateway would lose the route's preferred source.
func (t *tables) ask(routes []route) error {
	type question struct {
		link, metric, tos int
		v6                bool
	}
	answers := make(map[question]*rtnetlink.Route)
	asked := make(map[bool]int) // of each family
	for i := range routes {
		r := &routes[i]
		q := question{r.link, r.metric, r.tos, r.v6}
		found, known := answers[q]
		if !known {
			if asked[r.v6] == maxAsked {
				continue
			}
			asked[r.v6]++
			var err error
			if found, err = t.leaving(r); err != nil {
				return err
			}
			answers[q] = found
		}
		if found == nil {
			continue
		}
		r.answer, _ = netip.AddrFromSlice(found.Src)
		if !r.via.IsValid() {
			r.via = gateway(found.Gw, found.Via)
		}
	}
	return nil
}

// leaving is how the kernel sends packets that leave by a default route. It is nil
// where none would.
func (t *tables) leaving(r *route) (*rtnetlink.Route, error) {
	for _, to := range destinations[r.v6] {
		match, err := t.get(to, rtnetlink.RouteGetOptions{OifIndex: r.link, FIBMatch: true})
		if err != nil {
			return nil, err
		}
		if match == nil || !r.is(match) {
			continue
		}
		if found, err := t.get(to, rtnetlink.RouteGetOptions{OifIndex: r.link}); err != nil || found != nil {
			return found, err
		}
	}
	return nil, nil
}

// is reports whether the kernel's entry is that of a route.
func (r *route) is(entry *rtnetlink.Route) bool {
	return isDefault(*entry) && entry.Table == unix.RT_TABLE_MAIN && entry.Priority == r.metric && entry.Tos == r.tos
}

// get asks for the route to an address. It is nil where there is none.
func (t *tables) get(to netip.Addr, options rtnetlink.RouteGetOptions) (*rtnetlink.Route, error) {
	routes, err := t.handle.RouteGetWithOptions(to.AsSlice(), &options)
	if _, err := wayWithout(err); err != nil {
		return nil, fmt.Errorf("ask for the route to %s: %w", to, err)
	}
	if err != nil || len(routes) == 0 {
		return nil, nil
	}
	return &routes[0], nil
}

// linksOf are the links that a default route leads through whose next hops are an
// object of their own, which the list leaves out where
// net.ipv4.nexthop_compat_mode is 0.
func (t *tables) linksOf(r route, links []link) (all []route, err error) {
	for _, l := range links {
		if !l.up || l.loopback || len(all) == maxAsked {
			continue
		}
		r.link = l.index
		match, err := t.get(destinations[r.v6][0], rtnetlink.RouteGetOptions{OifIndex: r.link, FIBMatch: true})
		if err != nil {
			return nil, err
		}
		if match != nil && r.is(match) {
			all = append(all, r)
		}
	}
	return all, nil
}
