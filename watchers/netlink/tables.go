package netlink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	rtnetlink "github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const (
	// listTries is how often a list is requested whose dump was interrupted.
	// The pauses between them double from a millisecond to a total of a quarter
	// of a second.
	listTries = 9
	// answerTimeout bounds the wait for each of the kernel's answers.
	answerTimeout = 5 * time.Second
)

// tables reads the kernel's lists of links, addresses and routes.
type tables struct {
	handle *rtnetlink.Handle
}

func openTables(ns *netns.NsHandle) (*tables, error) {
	handle, err := rtnetlink.NewHandleAt(namespaceOrNone(ns), unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket to list addresses: %w", err)
	}
	if err := handle.SetSocketTimeout(answerTimeout); err != nil {
		handle.Close()
		return nil, fmt.Errorf("set the timeout of the netlink socket that lists addresses: %w", err)
	}
	return &tables{handle: handle}, nil
}

func (t *tables) close() { t.handle.Close() }

// read returns what the kernel has now.
func (t *tables) read(ctx context.Context) (k kernel, err error) {
	if k.links, err = t.links(ctx); err != nil {
		return k, err
	}
	if k.addrs, err = t.addresses(ctx); err != nil {
		return k, err
	}
	listed, err := t.defaultRoutes(ctx)
	if err != nil {
		return k, err
	}
	for _, r := range listed {
		routes := []route{r}
		if r.link == 0 {
			if routes, err = t.linksOf(r, k.links); err != nil {
				return k, err
			}
		}
		k.routes = append(k.routes, routes...)
	}
	return k, t.ask(k.routes)
}

func (t *tables) links(ctx context.Context) ([]link, error) {
	list, err := listAgain(ctx, t.handle.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list the network interfaces: %w", err)
	}
	links := make([]link, 0, len(list))
	for _, l := range list {
		attrs := l.Attrs()
		links = append(links, link{
			index:    attrs.Index,
			names:    append([]string{attrs.Name}, attrs.AltNames...),
			kind:     l.Type(),
			encap:    attrs.EncapType,
			up:       attrs.Flags&net.FlagUp != 0,
			loopback: attrs.Flags&net.FlagLoopback != 0,
			master:   attrs.MasterIndex,
		})
	}
	return links, nil
}

func (t *tables) addresses(ctx context.Context) ([]address, error) {
	list, err := listAgain(ctx, func() ([]rtnetlink.Addr, error) {
		return t.handle.AddrList(nil, rtnetlink.FAMILY_ALL)
	})
	if err != nil {
		return nil, fmt.Errorf("list the addresses: %w", err)
	}
	addrs := make([]address, 0, len(list))
	for _, a := range list {
		if a.IPNet == nil {
			continue
		}
		// On a point-to-point link IPNet is our end and Peer the other one.
		// The bytes are taken as they came: four are IPv4 and sixteen IPv6, of
		// which ::ffff:192.0.2.1 stays recognizable as what it is.
		ip, ok := netip.AddrFromSlice(a.IP)
		if !ok {
			continue
		}
		bits, _ := a.Mask.Size()
		addrs = append(addrs, address{link: a.LinkIndex, ip: ip, bits: bits, flags: a.Flags, global: a.Scope == unix.RT_SCOPE_UNIVERSE})
	}
	return addrs, nil
}

// defaultRoutes lists the paths out of the main table: one route for each
// nexthop of each of its default routes.
func (t *tables) defaultRoutes(ctx context.Context) ([]route, error) {
	var all []route
	// In a request for all families, the kernel would include those (MPLS,
	// multicast) that do not concern us.
	for _, family := range []int{rtnetlink.FAMILY_V4, rtnetlink.FAMILY_V6} {
		routes, err := listAgain(ctx, func() ([]route, error) { return t.defaultRoutesOf(family) })
		if err != nil {
			return nil, fmt.Errorf("list the default routes: %w", err)
		}
		all = append(all, routes...)
	}
	return all, nil
}

func (t *tables) defaultRoutesOf(family int) ([]route, error) {
	var routes []route
	// The default ones are picked as the list comes in, because it may be that
	// of a router, with a million others.
	err := t.handle.RouteListFilteredIter(family, &rtnetlink.Route{Table: unix.RT_TABLE_MAIN}, rtnetlink.RT_FILTER_TABLE,
		func(r rtnetlink.Route) bool {
			routes = append(routes, nexthops(r)...)
			return true
		})
	return routes, err
}

// isDefault reports whether a route is a default route that leads out.
func isDefault(r rtnetlink.Route) bool {
	if r.Type != unix.RTN_UNICAST || r.Dst == nil {
		return false
	}
	ones, bits := r.Dst.Mask.Size()
	return ones == 0 && bits != 0
}

// nexthops returns the usable paths of r, none if it is not a default route. Those
// without a link have their next hops elsewhere.
// One that rejects (unreachable, blackhole, prohibit) is no path out, and does
// not determine our address. A nexthop that the kernel itself would not use is
// dead; one that has only lost its carrier is not.
func nexthops(r rtnetlink.Route) []route {
	if !isDefault(r) || r.Flags&unix.RTM_F_CLONED != 0 {
		return nil
	}
	source, _ := netip.AddrFromSlice(r.Src)
	way := route{v6: r.Family == unix.AF_INET6, metric: r.Priority, tos: r.Tos, source: source}
	if len(r.MultiPath) == 0 {
		way.link, way.via = r.LinkIndex, gateway(r.Gw, r.Via)
		if r.Flags&unix.RTNH_F_DEAD != 0 {
			return nil
		}
		return []route{way}
	}
	var ways []route
	for _, hop := range r.MultiPath {
		if hop.Flags&unix.RTNH_F_DEAD == 0 {
			way.link, way.via = hop.LinkIndex, gateway(hop.Gw, hop.Via)
			ways = append(ways, way)
		}
	}
	return ways
}

// gateway is that of a nexthop, which for an IPv4 route may be an IPv6 address
// (RFC 8950); the zero Addr where the link itself leads out.
func gateway(gw net.IP, other rtnetlink.Destination) netip.Addr {
	if via, ok := other.(*rtnetlink.Via); ok && len(gw) == 0 {
		gw = via.Addr
	}
	addr, _ := netip.AddrFromSlice(gw)
	return addr.Unmap()
}

// listAgain calls list again while its result is not a consistent snapshot
// because a change or a signal came in between.
func listAgain[T any](ctx context.Context, list func() ([]T, error)) ([]T, error) {
	pause := time.Millisecond
	for try := 1; ; try++ {
		got, err := list()
		interrupted := errors.Is(err, rtnetlink.ErrDumpInterrupted) || errors.Is(err, unix.EINTR)
		if !interrupted || try == listTries {
			return got, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
			pause *= 2
		}
	}
}
