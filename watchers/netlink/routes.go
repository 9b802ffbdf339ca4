package netlink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"syscall"

	rtnetlink "github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/retry"
)

const (
	// maxAddresses bounds the questions of a reading. To any further address the
	// way does not change, as far as we know.
	maxAddresses = 256
)

// routeGroups are the messages that may concern the way to an address.
var routeGroups = append([]uint{
	unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE, unix.RTNLGRP_NEXTHOP,
}, addressGroups...)

// Routes watches by which way the kernel sends packets to some addresses: the
// interface and its state, the gateway, and the source address, or that there is
// no way. Its fields must not be changed while Run is running.
//
// As for a [Watcher], messages of the kernel are hints. Routes needs one of them
// only, so it takes the others as they come, ten in a second at most, and that
// some were dropped is one too.
type Routes struct {
	// Addresses returns those to watch, with a zone where they need one. It is
	// called by Run for each reading.
	Addresses func() []netip.Addr

	// Changed is called by Run with those of the Addresses to which the way is
	// another one than at the last reading, also that of an earlier Run. An
	// address that is new is not among them. It must not block.
	Changed func([]netip.Addr)

	// Logger may be nil.
	Logger *slog.Logger

	hints retry.Hint         // that Addresses returns others
	ways  map[netip.Addr]way // at the last reading

	// The rest is for tests.
	namespace *netns.NsHandle // nil: the one of the process
	onRead    func()          // after each reading
}

// NewRoutes returns a Routes that watches nothing yet.
func NewRoutes(addresses func() []netip.Addr, changed func([]netip.Addr), log *slog.Logger) *Routes {
	return &Routes{Addresses: addresses, Changed: changed, Logger: log, hints: retry.NewHint()}
}

// Hint reports that Addresses may return others now. It may be called at any time
// from any goroutine.
func (r *Routes) Hint() { r.hints.Send() }

// Run watches until ctx ends and then returns nil. Where the kernel cannot be
// queried it warns and tries again: what is watched is a help, and no part without
// which the service is not whole. It must not run twice concurrently.
func (r *Routes) Run(ctx context.Context) error {
	s := sampler{namespace: r.namespace, groups: routeGroups, hints: r.hints, warn: func(err error) {
		if r.Logger != nil {
			r.Logger.Warn("changes of the routes to upstreams are not noticed, trying again", "error", err)
		}
	}}
	return s.run(ctx, r.read)
}

// read compares the ways with those of the last reading.
func (r *Routes) read(kernel *tables) error {
	ways := map[netip.Addr]way{}
	states := map[int]linkState{}
	var changed []netip.Addr
	for _, addr := range r.Addresses() {
		if _, done := ways[addr]; done || len(ways) == maxAddresses {
			continue
		}
		now, err := kernel.way(addr, states)
		if err != nil {
			return fmt.Errorf("ask for the route to %s: %w", addr, err)
		}
		ways[addr] = now
		if before, known := r.ways[addr]; known && before != now {
			changed = append(changed, addr)
		}
	}
	r.ways = ways
	if len(changed) > 0 {
		if r.Logger != nil {
			r.Logger.Info("other route to upstreams", "servers", changed)
		}
		r.Changed(changed)
	}
	if r.onRead != nil {
		r.onRead()
	}
	return nil
}

// way is how the kernel sends packets to an address.
type way struct {
	kind            int // RTN_*
	link            int // index
	state           linkState
	gateway, source netip.Addr
	refused         syscall.Errno // why there is none
}

// linkState is whether a link takes packets.
type linkState struct {
	flags uint32 // IFF_UP and IFF_RUNNING
	oper  rtnetlink.LinkOperState
}

// way asks for the route to an address. States are those of the links that are
// known already.
func (t *tables) way(to netip.Addr, states map[int]linkState) (way, error) {
	var options rtnetlink.RouteGetOptions
	if index, err := strconv.Atoi(to.Zone()); err == nil {
		options.OifIndex = index
	} else {
		options.Oif = to.Zone()
	}
	routes, err := t.handle.RouteGetWithOptions(to.AsSlice(), &options)
	if err != nil {
		return wayWithout(err)
	}
	if len(routes) == 0 {
		return way{}, errors.New("the kernel's answer is empty")
	}
	r := routes[0]
	w := way{kind: r.Type, link: r.LinkIndex, gateway: gateway(r.Gw, r.Via)}
	w.source, _ = netip.AddrFromSlice(r.Src)
	state, known := states[w.link]
	if !known {
		l, err := t.handle.LinkByIndex(w.link)
		if err != nil {
			return wayWithout(err)
		}
		attrs := l.Attrs()
		state = linkState{attrs.RawFlags & (unix.IFF_UP | unix.IFF_RUNNING), attrs.OperState}
		states[w.link] = state
	}
	w.state = state
	return w, nil
}

// wayWithout is what follows from an error of the kernel: that there is no way,
// or that it was not found out.
func wayWithout(err error) (way, error) {
	if gone := (rtnetlink.LinkNotFoundError{}); errors.As(err, &gone) {
		return way{refused: unix.ENODEV}, nil
	}
	var refused syscall.Errno
	if errors.As(err, &refused) && !refused.Temporary() && refused != unix.ENOBUFS {
		return way{refused: refused}, nil
	}
	return way{}, err
}
