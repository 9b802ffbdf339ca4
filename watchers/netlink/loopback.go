package netlink

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/retry"
)

// Loopback watches whether this machine has ::1, which it lacks where IPv6 is off
// or was taken from lo: there localhost is 127.0.0.1 only. As for a [Watcher],
// messages of the kernel are hints.
type Loopback struct {
	changed   func()
	log       *slog.Logger
	namespace *netns.NsHandle // nil: the one of the process
	six       atomic.Bool     // at the last reading
}

// NewLoopback returns a Loopback that has read the kernel once. Run calls changed
// when HasIPv6 returns another value than before; it must not block. The logger may
// be nil.
func NewLoopback(changed func(), log *slog.Logger) *Loopback { return newLoopback(nil, changed, log) }

func newLoopback(ns *netns.NsHandle, changed func(), log *slog.Logger) *Loopback {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	l := &Loopback{changed: changed, log: log, namespace: ns}
	l.six.Store(hasIPv6Loopback(ns))
	return l
}

// HasIPv6 reports whether ::1 is there. It may be called at any time from any
// goroutine.
func (l *Loopback) HasIPv6() bool { return l.six.Load() }

// HasIPv6Loopback asks the kernel once whether this machine has ::1. Where it does
// not answer, it has, as nearly every machine.
func HasIPv6Loopback() bool { return hasIPv6Loopback(nil) }

func hasIPv6Loopback(ns *netns.NsHandle) bool {
	kernel, err := openTables(ns)
	if err != nil {
		return true
	}
	defer kernel.close()
	six, err := kernel.hasIPv6Loopback()
	return six || err != nil
}

// hasIPv6Loopback asks for the route to ::1, which is local if the address is
// there, whatever other routes there are: that costs the same on a machine with
// thousands of addresses.
func (t *tables) hasIPv6Loopback() (bool, error) {
	to, err := t.way(netip.IPv6Loopback(), map[int]linkState{})
	return to.kind == unix.RTN_LOCAL, err
}

// Run watches until ctx ends and then returns nil. Where the kernel cannot be
// queried it warns and tries again. It must not run twice concurrently.
func (l *Loopback) Run(ctx context.Context) error {
	s := sampler{
		namespace: l.namespace, groups: []uint{unix.RTNLGRP_IPV6_IFADDR}, hints: retry.NewHint(),
		warn: func(err error) {
			l.log.Warn("changes of the loopback addresses are not noticed, trying again", "error", err)
		},
	}
	return s.run(ctx, l.read)
}

func (l *Loopback) read(kernel *tables) error {
	six, err := kernel.hasIPv6Loopback()
	if err != nil {
		return fmt.Errorf("ask for the route to ::1: %w", err)
	}
	if l.six.Swap(six) != six {
		l.log.Info("localhost has other addresses", "ipv6", six)
		l.changed()
	}
	return nil
}
