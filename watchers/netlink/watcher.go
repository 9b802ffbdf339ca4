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

	// Present are the addresses that were published last, by this process or the
	// one before: while they are good, no others take their place.
	Present []Present

	// Chosen, if not nil, is called by Run with what Present is to be for the next
	// Run, when that has changed. It is not called with Addresses, and must not block.
	Chosen func([]Present)

	// Publish is called by Run with the addresses, IPv4 before IPv6: once at
	// the start of each Run and then upon each change. The list is empty while
	// there is no usable address. It belongs to Publish, which must not block.
	Publish func([]netip.Addr)

	// Gateways, if not nil, is called by Run with the gateways of the main
	// table's default routes, whatever Interfaces are: once at the start of each
	// Run and then upon each change. Those of other routes are left out, since
	// in a routed network they are the other nodes. It must not block.
	Gateways func([]netip.Addr)

	// Candidates, if not nil, is called by Run after each reading with the addresses
	// that may be published, at most some dozens, and why each is or not. It must
	// not block.
	Candidates func([]Candidate)

	// Logger may be nil.
	Logger *slog.Logger

	// The rest is for tests.
	namespace     *netns.NsHandle // nil: the one of the process
	receiveBuffer int             // zero: receiveBuffer
	onRead        func()          // after each reading and publishing
	onReceive     func()          // in the subscription's goroutine, before each receive
}

// Present is an address that is published. One that was not chosen by a default route
// gives way to what a route leads to.
type Present struct {
	netip.Addr
	ByRoute bool
}

// Run watches until ctx ends and then returns nil. It returns an error when the
// kernel cannot be queried or the subscription broke; calling it again makes up
// for all that was missed. It must not run twice concurrently.
func (w *Watcher) Run(ctx context.Context) error {
	if len(w.Addresses) == 0 {
		return w.watch(ctx)
	}
	var byHand []Candidate
	for _, addr := range w.Addresses {
		byHand = append(byHand, Candidate{Address: addr, Chosen: true, Reason: chosenByHand})
	}
	w.report(byHand)
	w.Publish(slices.Clone(w.Addresses))
	gateways := *w
	gateways.Publish, gateways.Candidates, gateways.Chosen = func([]netip.Addr) {}, nil, nil
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
	tables, err := openTables(w.namespace)
	if err != nil {
		return err
	}
	defer tables.close()
	present := w.Present
	var published, via []netip.Addr
	first := true
	return sub.follow(ctx, func() error {
		k, err := tables.read(ctx)
		if err != nil {
			return err
		}
		if now := gateways(k.routes); w.Gateways != nil && (first || !slices.Equal(now, via)) {
			via = now
			w.Gateways(slices.Clone(now))
		}
		chosen := choose(k, w.Interfaces, present)
		w.report(candidates(k, w.Interfaces, chosen))
		var addrs []netip.Addr
		for _, p := range chosen {
			addrs = append(addrs, p.ip)
		}
		if now := replaced(present, chosen); !slices.Equal(now, present) {
			present = now
			if w.Chosen != nil {
				w.Chosen(slices.Clone(now))
			}
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

// replaced returns the addresses that are present after some were chosen. That of a
// family which has none now stays, as it may come back.
func replaced(present []Present, chosen []pick) (all []Present) {
	for _, p := range chosen {
		all = append(all, Present{p.ip, p.byRoute})
	}
	for _, p := range present {
		if !slices.ContainsFunc(chosen, func(now pick) bool { return now.ip.Is6() == p.Is6() }) {
			all = append(all, p)
		}
	}
	return all
}

func (w *Watcher) report(all []Candidate) {
	if w.Candidates != nil {
		w.Candidates(all)
	}
}

func (w *Watcher) log() *slog.Logger {
	if w.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return w.Logger
}
