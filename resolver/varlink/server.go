package varlink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/follow"
	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/internal/unixsocket"
)

// Config of a Server.
type Config struct {
	// Path of the socket, and its mode.
	Path string
	Mode fs.FileMode
	// Interfaces that are offered besides org.varlink.service.
	Interfaces []Interface
	// Logger may be nil, which discards.
	Logger *slog.Logger
}

// The modes that a socket may have: every user may connect, or only root and
// the user that we run as.
const (
	Everybody = fs.FileMode(0o666)
	OnlyUs    = fs.FileMode(0o600)
)

// acceptPause is the time after a failure to accept: mostly there are too many
// open files, and retrying does not close any sooner.
const acceptPause = 100 * time.Millisecond

// Server serves a socket. Its methods may be called concurrently, but only one
// Run may run.
type Server struct {
	path       string
	mode       fs.FileMode
	interfaces []Interface
	log        *slog.Logger
	pool       *pool
	counts     callCounts
	idle       time.Duration // idleTimeout, but for tests

	mu       sync.Mutex
	listener *unixsocket.Listener // bound, and not yet taken by Run; nil: none
}

// New returns a Server that has not made its socket.
func New(config Config) *Server {
	s := &Server{path: config.Path, mode: config.Mode, log: config.Logger, idle: idleTimeout}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.interfaces = append([]Interface{service(config.Interfaces)}, config.Interfaces...)
	s.pool = newPool(s.log)
	return s
}

// Listen makes the socket, which is served by Run. Clients that come before
// wait in the kernel. The error is [unixsocket.ErrInUse] where another one
// serves it: a running resolver is never displaced.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return nil
	}
	l, err := unixsocket.Listen(s.path, s.mode)
	switch {
	case errors.Is(err, unixsocket.ErrInUse):
		return fmt.Errorf("%w; stop and disable that service, or set varlink.socket to another path or to none", err)
	case err != nil:
		return fmt.Errorf("%w; set varlink.socket to a path that can be made, or to none", err)
	}
	s.listener = l
	return nil
}

// Run serves the socket until ctx ends, and then returns nil. It makes it if
// Listen has not. When another program takes the socket away it returns an error, and
// may be called again. The socket and all connections are closed when it
// returns.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(); err != nil {
		return err
	}
	s.mu.Lock()
	listener := s.listener
	s.listener = nil
	s.mu.Unlock()
	defer listener.Unlock()
	s.log.Info("varlink is served", "socket", s.path)
	ctx, cancel := context.WithCancel(ctx)
	var parts errgroup.Group
	parts.Go(func() error { s.accept(ctx, listener); return nil })
	parts.Go(func() error {
		err := s.watch(ctx, listener)
		cancel()             // first, for a connection that is let in meanwhile
		_ = listener.Close() // ends accept; that the path may be gone was reported
		s.pool.closeAll()
		return err
	})
	return parts.Wait()
}

// watch returns an error when the socket is not reachable any more: a resolver
// that starts later takes the path without a check.
func (s *Server) watch(ctx context.Context, listener *unixsocket.Listener) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	path := follow.Follower{Files: []string{s.path}, Logger: s.log}
	path.Run(ctx, func() {
		if err = listener.Displaced(); err != nil {
			cancel()
		}
	})
	return err
}

// accept serves all connections until ctx ends, and waits for them.
func (s *Server) accept(ctx context.Context, listener *unixsocket.Listener) {
	var open sync.WaitGroup
	defer open.Wait()
	for failing := false; ; {
		conn, peer, err := next(listener)
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return
		case err != nil:
			// Clients wait meanwhile, so it is logged, but not each time.
			if !failing {
				s.log.Warn("cannot accept a varlink connection; retrying", "socket", s.path, "error", err)
			}
			retry.Sleep(ctx, acceptPause)
		case s.pool.admit(conn, peer):
			open.Go(func() {
				defer s.pool.release(conn)
				s.serveConn(ctx, conn, peer)
			})
		}
		failing = err != nil
	}
}

// next returns the next connection, and its client.
func next(listener *unixsocket.Listener) (*net.UnixConn, unixsocket.Peer, error) {
	conn, err := listener.AcceptUnix()
	if err != nil {
		return nil, unixsocket.Peer{}, err
	}
	peer, err := unixsocket.PeerOf(conn)
	if err != nil {
		_ = conn.Close()
	}
	return conn, peer, err
}

// isDisconnected reports whether an error is only that the client has closed its end.
func isDisconnected(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET)
}
