package listen

import "context"

// attendant has a listener bound and served while its address is there.
type attendant struct {
	*listener
	service
	changed func()
	// hints holds a value when the machine's addresses may have changed: one
	// is as good as many.
	hints chan struct{}
}

// hint never blocks.
func (a *attendant) hint() {
	select {
	case a.hints <- struct{}{}:
	default:
	}
}

// run attends to the listener until ctx ends. What fails is in the listener's
// status, and tried again: other listeners have nothing to do with it.
func (a *attendant) run(ctx context.Context) error {
	if a.bound() == nil {
		a.tell()
	}
	for {
		if p := a.bound(); p != nil {
			err := a.serveWhileThere(ctx, p)
			if ctx.Err() != nil {
				return err
			}
			a.drop(err)
			if err != nil {
				a.tell()
				a.await(ctx) // not at once, for it may fail at once
			}
		} else {
			a.await(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		if a.bind() {
			a.tell()
		}
	}
}

// serveWhileThere serves until ctx ends, the address has gone, or a socket
// fails, which is an error.
func (a *attendant) serveWhileThere(ctx context.Context, p *pair) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	served := make(chan error, 1)
	go func() { served <- p.serve(ctx, a.service) }()
	for {
		select {
		case err := <-served:
			return err
		case <-a.hints:
			if !p.there(a.status().Addr.Addr()) {
				end()
			}
		}
	}
}

func (a *attendant) await(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-a.hints:
	}
}

// tell makes known what has become of the listener.
func (a *attendant) tell() {
	switch now := a.status(); now.State {
	case Listening:
		a.log.Info("listening, the address is there", "listener", now.Addr)
	case Waiting:
		a.log.Warn("not listening until the address is there", "listener", now.Addr, "error", now.Err)
	case Failed:
		a.log.Error("not listening, trying again", "listener", now.Addr, "error", now.Err)
	}
	if a.changed != nil {
		a.changed()
	}
}
