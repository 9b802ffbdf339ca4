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

	"github.com/nodedns/nodedns/internal/retry"
)

// Serve answers on all sockets until ctx ends, and then returns nil. Either way
// it stops reading from TCP, answers what has arrived by then, also on connections
// that it has not accepted yet unless they are kept for the next process, for which
// it has [Limits].Grace, closes the sockets, and waits for all that it started. Where ctx has ended before and the sockets
// are kept, it answers nothing: all is for the next process.
//
// Listeners whose address may come and go are bound when it comes, and closed
// when it has gone; their failures are reported by Listeners. When a socket of
// an address that is always there fails for good, Serve returns an error.
//
// newHandler is called once for each UDP socket that there may be at once, and
// once for all of TCP.
func (s *Sockets) Serve(ctx context.Context, newHandler func() Handler) error {
	if ctx.Err() != nil && s.areKept() {
		return s.close()
	}
	with := service{log: s.Logger, clock: s.Clock, kept: s.areKept()}
	if with.log == nil {
		with.log = slog.New(slog.DiscardHandler)
	}
	if with.clock == nil {
		with.clock = func() time.Duration { return 0 }
	}
	with.pool = newPool(s.Limits.withDefaults(), newHandler(), with.clock)
	s.connections.Store(with.pool)
	group, ctx := errgroup.WithContext(ctx)
	var attended []*listenerSupervisor
	for _, l := range s.listeners {
		with.handlers = nil
		for range l.loops {
			with.handlers = append(with.handlers, newHandler())
		}
		if l.alwaysAssigned() {
			served, p := with, l.bound()
			group.Go(func() error { return p.serve(ctx, served) })
			continue
		}
		a := &listenerSupervisor{listener: l, service: with, changed: s.Changed, hints: retry.NewHint()}
		attended = append(attended, a)
		group.Go(func() error { return a.run(ctx) })
	}
	if len(attended) > 0 {
		group.Go(func() error {
			followLinks(ctx, with.log, func() {
				for _, a := range attended {
					a.hints.Send()
				}
			})
			return nil
		})
	}
	// Without a socket too: the caller of a Server that serves none still
	// relies on Run.
	group.Go(func() error { <-ctx.Done(); return nil })
	err := errors.Join(group.Wait(), s.close())
	if err != nil {
		s.discard() // no process is about to go on with them
	}
	return err
}

// lasting returns a context for what is in flight when ctx ends: it ends that much
// later. Most answers of upstreams come in time, and the next process answers others'
// queries as much later only.
func lasting(ctx context.Context, grace time.Duration) (longer context.Context, end context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
		case <-longer.Done():
		}
		cancel()
	})
	return longer, func() { stop(); cancel() }
}

// accept serves the connections of one listener, which it closes at the end. Those
// that it opened are ended and waited for before it returns.
func accept(ctx context.Context, listener *net.TCPListener, with service) error {
	pool := with.pool
	inFlight, end := lasting(ctx, pool.limits.Grace)
	defer end()
	var open sync.WaitGroup
	defer open.Wait()
	serve := func(conn *net.TCPConn) {
		if c := pool.admit(conn); c != nil {
			open.Go(func() { c.serve(ctx, inFlight) })
		}
	}
	for failing := false; ; {
		conn, err := listener.AcceptTCP()
		if err != nil {
			if ctx.Err() != nil {
				if !with.kept {
					acceptWaiting(listener, pool.limits.Connections, serve)
				}
				return ignoreClosed(listener.Close())
			}
			if errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("accept on %v (tcp): %w", listener.Addr(), err)
			}
			// Mostly EMFILE: an idle connection is closed, and the rest wait in
			// the kernel.
			if !failing {
				with.log.Warn("cannot accept a TCP connection; retrying", "listener", listener.Addr().String(), "error", err)
			}
			failing = true
			pool.closeIdle()
			retry.Sleep(ctx, readPause)
			continue
		}
		failing = false
		serve(conn)
	}
}
