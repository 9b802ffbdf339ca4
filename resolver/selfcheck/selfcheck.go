// Package selfcheck checks from inside the process that it works: a [Checker]
// looks up this machine's own name periodically, in the ways that the machine's
// programs do, and reports to a watchdog whether anything hangs.
package selfcheck

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/dnsclient"
	"github.com/nodedns/nodedns/zone"
)

const (
	// checkTimeout bounds one query to ourselves.
	checkTimeout = 2 * time.Second
	// checkInterval is the least time between two checks.
	checkInterval = time.Second
)

// Config is what a Checker looks at. All of it is needed.
type Config struct {
	Server *resolver.Server
	Store  *zone.Store
	ID     zone.ID // this machine's
	// File looks the name up in the hosts file; known is false before the file was
	// written.
	File   func() (known bool, err error)
	Hints  retry.Hint // each of which requests a check, soon
	Logger *slog.Logger
}

// Checker checks after each change that our own name is found, in the ways that
// the machine's programs look it up: by a query to our own listener, and in the
// hosts file. Make it with [New]. Its methods may be called at any time from
// any goroutine.
type Checker struct {
	cfg     Config
	probing chan struct{} // holds an element while Alive waits for the store

	mu   sync.Mutex
	dns  outcome
	file outcome
}

// New returns a Checker that has checked nothing yet.
func New(cfg Config) *Checker {
	return &Checker{cfg: cfg, probing: make(chan struct{}, 1)}
}

// outcome is the result of the last check, if there was one.
type outcome struct {
	known bool
	err   error
}

// Status is whether this machine's own name was found when it was last
// looked up; nil where it has not been.
type Status struct {
	DNS  *bool // by each listener
	File *bool // in the hosts file
}

// Status returns how the last check ended.
func (c *Checker) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Status{DNS: c.dns.found(), File: c.file.found()}
}

func (o outcome) found() *bool {
	if !o.known {
		return nil
	}
	return new(o.err == nil)
}

// Run checks until ctx ends.
func (c *Checker) Run(ctx context.Context) error {
	var watch sync.WaitGroup
	defer watch.Wait()
	watch.Go(func() {
		for range c.cfg.Store.Watch(ctx) {
			c.cfg.Hints.Send()
		}
	})
	anyway := time.NewTicker(retry.Anyway) // other programs write to the file too
	defer anyway.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.cfg.Hints:
		case <-anyway.C:
		}
		c.check(ctx)
		retry.Sleep(ctx, checkInterval)
	}
}

func (c *Checker) check(ctx context.Context) {
	byDNS := c.ask(ctx)
	if ctx.Err() != nil {
		return
	}
	c.report(&c.dns, "dns", byDNS)
	if known, err := c.cfg.File(); known {
		c.report(&c.file, "file", err)
	}
}

// report logs a failure when it begins, when it changes and when it is over.
func (c *Checker) report(last *outcome, by string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := last.err
	*last = outcome{known: true, err: err}
	switch {
	case err != nil && (was == nil || was.Error() != err.Error()):
		c.cfg.Logger.Error("self-resolution failed", "by", by, "node", c.cfg.ID, "error", err)
	case err == nil && was != nil:
		c.cfg.Logger.Info("self-resolution works again", "by", by, "node", c.cfg.ID)
	}
}

// Failures of the last check. That there is no listener is left out: the status
// itself shows it.
func (c *Checker) Failures() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc([]error{c.dns.err, c.file.err}, func(err error) bool { return err == nil || err == ErrNoListener })
}

// ask queries the listeners for our own name.
func (c *Checker) ask(ctx context.Context) error {
	var failed []error
	bound := c.cfg.Server.Addrs()
	if len(bound) == 0 && len(c.cfg.Server.Listeners()) > 0 {
		return ErrNoListener
	}
	for _, listener := range dnsclient.OwnListeners(bound) {
		if err := c.askAt(ctx, listener); err != nil {
			failed = append(failed, fmt.Errorf("query %s for %s: %w", listener, c.cfg.ID, err))
		}
	}
	return errors.Join(failed...)
}

// ErrNoListener is for listeners that all wait for their address: a single one
// is no fault, but without any no query is answered.
var ErrNoListener = errors.New("none of the addresses to listen on can be used; check dns.listen")

// maxMoves bounds how often a listener is asked again because our addresses
// changed while it was: the two families are asked for one after the other.
const maxMoves = 5

func (c *Checker) askAt(ctx context.Context, server netip.AddrPort) error {
	for moves := 0; ; moves++ {
		before := c.cfg.Store.Snapshot().Local()
		got, err := c.lookup(ctx, server)
		want := c.cfg.Store.Snapshot().Local()
		switch {
		case err != nil:
			return err
		case same(got, want):
			return nil
		case slices.Equal(slices.Collect(before.Addrs()), slices.Collect(want.Addrs())) || moves == maxMoves:
			return fmt.Errorf("answered %v, want %v", got, slices.Collect(want.Addrs()))
		}
	}
}

func (c *Checker) lookup(ctx context.Context, server netip.AddrPort) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return dnsclient.Lookup(ctx, server, string(c.cfg.ID))
}

// same compares addresses regardless of their order.
func same(got []netip.Addr, n zone.Node) bool {
	want := slices.Collect(n.Addrs())
	slices.SortFunc(want, netip.Addr.Compare)
	got = slices.Clone(got)
	slices.SortFunc(got, netip.Addr.Compare)
	return slices.Equal(got, want)
}
