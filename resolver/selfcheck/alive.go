package selfcheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/resolver/dnsclient"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/upstream"
)

const (
	// probeTimeout is how long one of our queries may take before it counts as
	// lost. In a flood nearly all are.
	probeTimeout = 500 * time.Millisecond
	// progressInterval is the time between two checks of whether a loop with
	// pending queries makes progress.
	progressInterval = 50 * time.Millisecond
)

// probeName is a name that every listener answers.
const probeName = "localhost"

// Probe returns nil if a listener finds a name, which it has to at any time.
func Probe(ctx context.Context, listener netip.AddrPort) error {
	_, err := dnsclient.Lookup(ctx, listener, probeName)
	return err
}

// Alive checks that the process makes progress. It is for a watchdog: an error
// means that a part of it hangs, and may be worth a restart. It covers what a
// restart can fix; whether names are answered well is reported by
// [Checker.Status].
//
// The zone's store has to take a change, and each UDP loop that has queries
// waiting has to handle some. Each listener on loopback is asked as the programs
// of this machine do. An answer with an error in it is an answer, and so is
// anything else that the listener handles meanwhile: in a flood the kernel
// drops our query with the others, and a daemon that works as fast as it can is
// not hung.
//
// Other listeners are not asked: their address may be gone, and the query would
// leave the machine. Where no listener can be reached because the network is
// down, the resolver is called directly: a restart would bring no network.
//
// The deadline is ctx's, which has to have one. Alive may be called at any time
// after the service has become ready, also concurrently.
func (c *Checker) Alive(ctx context.Context) error {
	if err := c.storeMoves(ctx); err != nil {
		return err
	}
	before := c.cfg.Server.Progress()
	reached := false
	for _, listener := range c.cfg.Server.Addrs() {
		at := upstream.Normalize(listener)
		if !at.Addr().IsLoopback() {
			continue
		}
		switch err := c.handles(ctx, listener, at, before); {
		case err == nil:
			reached = true
		case !offNetwork(err):
			return fmt.Errorf("query %s for %s: %w", listener, probeName, err)
		}
	}
	if err := loopsMove(ctx, before); err != nil {
		return err
	}
	if reached {
		return nil
	}
	if _, err := (inspect.Inspector{Server: c.cfg.Server}).Query(ctx, probeName, "A"); err != nil {
		return fmt.Errorf("query the resolver itself for %s: %w", probeName, err)
	}
	return ctx.Err()
}

// storeMoves returns nil when the zone's store has released its lock. At most
// one goroutine waits for that: a lock has no deadline.
func (c *Checker) storeMoves(ctx context.Context) error {
	moved := make(chan struct{})
	select {
	case c.probing <- struct{}{}:
		go func() {
			defer func() { <-c.probing }()
			for range c.cfg.Store.Watch(ctx) {
				break
			}
			close(moved)
		}()
	case <-ctx.Done():
	}
	select {
	case <-moved:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the zone takes no changes: %w", ctx.Err())
	}
}

// handles returns nil when a listener, which is reached at an address, answers
// our query or has handled others since.
func (c *Checker) handles(ctx context.Context, listener, at netip.AddrPort, before listen.Progress) error {
	for {
		probe, cancel := context.WithTimeout(ctx, probeTimeout)
		err := answers(probe, at)
		cancel()
		switch timeout := net.Error(nil); {
		case err == nil, before.Handled(listener):
			return nil
		case ctx.Err() != nil, !errors.As(err, &timeout), !timeout.Timeout():
			return err
		}
	}
}

// loopsMove returns nil when each loop that had queries waiting has handled some
// of them, or has none any more.
func loopsMove(ctx context.Context, before listen.Progress) error {
	for {
		stalled := before.Stalled()
		if len(stalled) == 0 {
			return nil
		}
		retry.Sleep(ctx, progressInterval)
		if ctx.Err() != nil {
			return fmt.Errorf("queries wait at %v and none is handled: %w", stalled, ctx.Err())
		}
	}
}

// answers returns nil if there was an answer, whatever its content.
func answers(ctx context.Context, server netip.AddrPort) error {
	err := Probe(ctx, server)
	if transport := net.Error(nil); errors.As(err, &transport) {
		return err
	}
	return nil
}

// offNetwork reports whether an error is that a query could not be sent, rather
// than that it got no answer: loopback may be down, or a firewall may block it.
func offNetwork(err error) bool {
	for _, cause := range []syscall.Errno{
		syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EADDRNOTAVAIL, syscall.EPERM,
	} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}
