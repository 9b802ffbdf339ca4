package listen

import (
	"context"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
)

// retryInterval is after how long a listener that failed is tried again without
// a hint: the program that had a socket on its address may have closed it.
const retryInterval = 10 * time.Second

// listenerSupervisor keeps a listener bound and served while its address is
// there.
type listenerSupervisor struct {
	*listener
	service
	changed func()
	// hints mean that the machine's addresses may have changed.
	hints retry.Hint
}

// run supervises the listener until ctx ends. What fails is in the listener's
// status, and tried again: other listeners are not affected.
func (a *listenerSupervisor) run(ctx context.Context) error {
	if a.bound() == nil {
		a.report()
	}
	for {
		if p := a.bound(); p != nil {
			err := a.serveWhileThere(ctx, p)
			if ctx.Err() != nil {
				return err
			}
			a.closed(err)
			a.discard() // or the address stays in use
			if err != nil {
				a.report()
				a.await(ctx) // not at once, for it may fail at once
			}
		} else {
			a.await(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		if a.bind(nil) {
			a.keep()
			a.report()
		}
	}
}

// serveWhileThere serves until ctx ends, the address has gone, or a socket
// fails, which is an error.
func (a *listenerSupervisor) serveWhileThere(ctx context.Context, p *pair) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	served := make(chan error, 1)
	go func() { served <- p.serve(ctx, a.service) }()
	for {
		select {
		case err := <-served:
			return err
		case <-a.hints:
			if !p.assigned(a.status().Addr.Addr()) {
				end()
			}
		}
	}
}

// await returns when the listener is to be tried again, or ctx ends. The kernel
// notifies of an address that comes, and not of one that is free again.
func (a *listenerSupervisor) await(ctx context.Context) {
	var due <-chan time.Time
	if a.status().State == Failed {
		due = time.After(retryInterval)
	}
	select {
	case <-ctx.Done():
	case <-a.hints:
	case <-due:
	}
}

// report publishes the listener's new status.
func (a *listenerSupervisor) report() {
	switch now := a.status(); now.State {
	case Listening:
		a.log.Info("listening, the address is there", "listener", now.Addr)
	case Waiting:
		a.log.Warn("not listening until the address is there", "listener", now.Addr, "error", now.Error)
	case Failed:
		a.log.Error("not listening, trying again", "listener", now.Addr, "error", now.Error)
	}
	if a.changed != nil {
		a.changed()
	}
}
