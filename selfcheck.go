package nodedns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/resolver/dnsclient"
	"github.com/nodedns/nodedns/zone"
)

const (
	// checkTimeout bounds one query to ourselves.
	checkTimeout = 2 * time.Second
	// checkInterval is the least time between two checks, and checkAnyway the
	// time after which there is one though nothing has changed for us: others
	// write to the file too.
	checkInterval = time.Second
	checkAnyway   = time.Minute
)

// selfCheck proves after each change that our own name is found, in the way
// that the machine's programs look for it: by a query to our own listener, and
// in the hosts file.
type selfCheck struct {
	service *Service
	hints   retry.Hint // of which each asks for a check, soon

	mu   sync.Mutex
	dns  outcome
	file outcome
}

// outcome is what the last check came to, if there was one.
type outcome struct {
	known bool
	err   error
}

// SelfStatus is whether this machine's own name was found when it was last
// looked up; nil where it has not been.
type SelfStatus struct {
	DNS  *bool // by each listener
	File *bool // in the hosts file
}

func (c *selfCheck) status() SelfStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	return SelfStatus{DNS: c.dns.found(), File: c.file.found()}
}

func (o outcome) found() *bool {
	if !o.known {
		return nil
	}
	return new(o.err == nil)
}

func newSelfCheck(s *Service) *selfCheck {
	return &selfCheck{service: s, hints: retry.NewHint()}
}

func (c *selfCheck) run(ctx context.Context) error {
	var watch sync.WaitGroup
	defer watch.Wait()
	watch.Go(func() {
		for range c.service.store.Watch(ctx) {
			c.hints.Send()
		}
	})
	anyway := time.NewTicker(checkAnyway)
	defer anyway.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.hints:
		case <-anyway.C:
		}
		c.check(ctx)
		retry.Sleep(ctx, checkInterval)
	}
}

func (c *selfCheck) check(ctx context.Context) {
	byDNS := c.ask(ctx)
	if ctx.Err() != nil {
		return
	}
	c.report(&c.dns, "dns", byDNS)
	if applied := c.service.files.Applied(); applied != nil {
		c.report(&c.file, "file", c.service.files.CheckSelf(applied))
	}
}

// report logs a failure when it begins, when it changes and when it is over.
func (c *selfCheck) report(last *outcome, by string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := last.err
	*last = outcome{known: true, err: err}
	switch {
	case err != nil && (was == nil || was.Error() != err.Error()):
		c.service.log.Error("self-resolution failed", "by", by, "node", c.service.id, "error", err)
	case err == nil && was != nil:
		c.service.log.Info("self-resolution works again", "by", by, "node", c.service.id)
	}
}

// failures of the last check. That there is no listener is left out: the status
// itself shows that.
func (c *selfCheck) failures() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc([]error{c.dns.err, c.file.err}, func(err error) bool { return err == nil || err == errNowhere })
}

// ask queries the listeners for our own name.
func (c *selfCheck) ask(ctx context.Context) error {
	var failed []error
	bound := c.service.dns.Addrs()
	if len(bound) == 0 && len(c.service.dns.Listeners()) > 0 {
		return errNowhere
	}
	for _, listener := range dnsclient.OwnListeners(bound) {
		if err := c.askAt(ctx, listener); err != nil {
			failed = append(failed, fmt.Errorf("query %s for %s: %w", listener, c.service.id, err))
		}
	}
	return errors.Join(failed...)
}

// errNowhere is for listeners that all wait: one of them is no fault, but nobody
// is answered without any.
var errNowhere = errors.New("none of the addresses to listen on can be used; see to dns.listen")

// maxMoves bounds how often a listener is asked again because our addresses
// changed while it was: the two families are asked for one after the other.
const maxMoves = 5

func (c *selfCheck) askAt(ctx context.Context, server netip.AddrPort) error {
	for moves := 0; ; moves++ {
		before := c.service.store.Snapshot().Local()
		got, err := c.lookup(ctx, server)
		want := c.service.store.Snapshot().Local()
		switch {
		case err != nil:
			return err
		case same(got, want):
			return nil
		case slices.Equal(addresses(before), addresses(want)) || moves == maxMoves:
			return fmt.Errorf("answered %v, want %v", got, addresses(want))
		}
	}
}

func (c *selfCheck) lookup(ctx context.Context, server netip.AddrPort) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return dnsclient.Lookup(ctx, server, string(c.service.id))
}

// same compares addresses regardless of their order.
func same(got []netip.Addr, n zone.Node) bool {
	want := slices.Collect(n.Addrs())
	slices.SortFunc(want, netip.Addr.Compare)
	got = slices.Clone(got)
	slices.SortFunc(got, netip.Addr.Compare)
	return slices.Equal(got, want)
}
