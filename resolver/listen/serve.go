package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Serve answers on all sockets until ctx ends, and then returns nil; it
// returns an error when a socket fails for good. Either way it reads no more of
// TCP, answers what it has read and what has arrived over UDP, closes the
// sockets, and waits for all that it started.
//
// newHandler is called once for each UDP socket, and once for all of TCP.
func (s *Sockets) Serve(ctx context.Context, newHandler func() Handler) error {
	log, clock, limits := s.Logger, s.Clock, s.Limits.withDefaults()
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if clock == nil {
		clock = func() time.Duration { return 0 }
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, socket := range s.udp {
		h := newHandler()
		group.Go(func() error { return socket.serve(ctx, h, clock, limits.Write) })
	}
	pool := newPool(limits, newHandler(), clock)
	s.connections.Store(pool)
	for _, listener := range s.tcp {
		group.Go(func() error {
			defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
			return accept(ctx, listener, pool, log)
		})
	}
	// Without a socket too: who has a Server serve none still counts on Run.
	group.Go(func() error { <-ctx.Done(); return nil })
	return errors.Join(group.Wait(), s.Close())
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
