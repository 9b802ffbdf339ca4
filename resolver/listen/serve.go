package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Serve answers on all sockets until ctx ends, and then returns nil; it
// returns an error when a socket fails for good. Either way it closes the
// sockets and waits for all that it started.
func (s *Sockets) Serve(ctx context.Context, h Handler) error {
	log := s.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	group, ctx := errgroup.WithContext(ctx)
	// Being of the group, it is waited for: the ports are free on return.
	group.Go(func() error {
		<-ctx.Done()
		return s.Close()
	})
	for _, socket := range s.udp {
		group.Go(func() error { return socket.serve(ctx, h) })
	}
	pool := newPool(s.Limits.withDefaults(), h)
	for _, listener := range s.tcp {
		group.Go(func() error { return accept(ctx, listener, pool, log) })
	}
	return group.Wait()
}

// accept serves the connections of one listener. Those that it opened are
// ended and waited for before it returns.
func accept(ctx context.Context, listener *net.TCPListener, pool *pool, log *slog.Logger) error {
	var open sync.WaitGroup
	defer open.Wait()
	for failing := false; ; {
		conn, err := listener.AcceptTCP()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("accept on %v (tcp): %w", listener.Addr(), err)
			}
			// Mostly EMFILE: one that does nothing gives way, and the rest
			// waits in the kernel.
			if !failing {
				log.Warn("cannot accept a TCP connection; retrying", "listener", listener.Addr().String(), "error", err)
			}
			failing = true
			pool.closeIdle()
			pause(ctx, readPause)
			continue
		}
		failing = false
		if c := pool.admit(conn); c != nil {
			open.Go(func() { c.serve(ctx) })
		}
	}
}
