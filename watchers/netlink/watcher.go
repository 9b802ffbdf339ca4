package netlink

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"path"
	"slices"

	"github.com/vishvananda/netns"
)

const (
	// receiveBuffer is requested for the subscription, in bytes. It has room
	// for a few thousand messages, a whole network manager's restart.
	receiveBuffer = 1 << 20
)

// Watcher publishes this machine's addresses. Its fields must not be changed
// while Run is running.
type Watcher struct {
	// Interfaces are glob patterns (see [path.Match]) of the names, and
	// alternative names, of the interfaces to consider. With none, see the
	// package comment.
	Interfaces []string

	// Addresses are published instead of those of the interfaces, if there are
	// any; what is watched are the gateways then.
	Addresses []netip.Addr

	// Publish is called by Run with the addresses, IPv4 before IPv6: once at
	// the start of each Run and then upon each change. The list is empty while
	// there is no usable address. It belongs to Publish, which must not block.
	Publish func([]netip.Addr)

	// Gateways, if not nil, is called by Run with the gateways of the main
	// table's default routes, whatever Interfaces are: once at the start of each
	// Run and then upon each change. Those of other routes are left out, since
	// in a routed network they are the other nodes. It must not block.
	Gateways func([]netip.Addr)

	// Logger may be nil.
	Logger *slog.Logger

	// The rest is for tests.
	namespace     *netns.NsHandle // nil: the one of the process
	receiveBuffer int             // zero: receiveBuffer
	onRead        func()          // after each reading and publishing
	onReceive     func()          // in the subscription's goroutine, before each receive
}

// Run watches until ctx ends and then returns nil. It returns an error when the
// kernel cannot be queried or the subscription broke; calling it again makes up
// for all that was missed. It must not run twice concurrently.
func (w *Watcher) Run(ctx context.Context) error {
	if len(w.Addresses) == 0 {
		return w.watch(ctx)
	}
	w.Publish(slices.Clone(w.Addresses))
	gateways := *w
	gateways.Publish = func([]netip.Addr) {}
	if err := gateways.watch(ctx); err != nil && ctx.Err() == nil {
		// The addresses are published all the same, such as where netlink is
		// forbidden.
		w.log().Warn("the gateways are not known: their addresses may get reverse records from the cluster", "error", err)
		if w.Gateways != nil {
			w.Gateways(nil)
		}
		<-ctx.Done()
	}
	return nil
}

func (w *Watcher) watch(ctx context.Context) error {
	for _, glob := range w.Interfaces {
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("local interface pattern %q: %w; * and ? stand for any characters, [a-z] for one of a range", glob, err)
		}
	}
	// Subscribing comes first: a change between the two is then a hint to
	// read again, instead of lost.
	sub, err := subscribe(w.namespace, cmp.Or(w.receiveBuffer, receiveBuffer), addressGroups...)
	if err != nil {
		return err
	}
	sub.start(func() error { return sub.receive(w.onReceive) })
	defer sub.close()
	kernel, err := openTables(w.namespace)
	if err != nil {
		return err
	}
	defer kernel.close()
	var published, via []netip.Addr
	first := true
	return sub.follow(ctx, func() error {
		addrs, routes, err := w.read(ctx, kernel)
		if err != nil {
			return err
		}
		if now := gateways(routes); w.Gateways != nil && (first || !slices.Equal(now, via)) {
			via = now
			w.Gateways(slices.Clone(now))
		}
		if first || !slices.Equal(addrs, published) {
			published = addrs
			w.log().Debug("local addresses read", "addresses", addrs)
			w.Publish(slices.Clone(addrs))
		}
		first = false
		if w.onRead != nil {
			w.onRead()
		}
		return nil
	})
}

// read queries the kernel and returns the addresses chosen, and the default
// routes.
func (w *Watcher) read(ctx context.Context, kernel *tables) ([]netip.Addr, []route, error) {
	links, err := kernel.links(ctx)
	if err != nil {
		return nil, nil, err
	}
	addrs, err := kernel.addresses(ctx)
	if err != nil {
		return nil, nil, err
	}
	routes, err := kernel.defaultRoutes(ctx)
	if err != nil {
		return nil, nil, err
	}
	return choose(links, addrs, routes, w.Interfaces), routes, nil
}

func (w *Watcher) log() *slog.Logger {
	if w.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return w.Logger
}
