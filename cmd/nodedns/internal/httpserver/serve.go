package httpserver

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// maxConnections is far above what one machine's tools need.
	maxConnections = 64
	maxHeader      = 8 << 10

	readTimeout = 5 * time.Second
	idleTimeout = 30 * time.Second
	// grace is how long a reply may still take when the daemon ends.
	grace = time.Second
)

// WriteTimeout is how long one reply may take, from its request on. A handler
// that streams moves its deadline on by [http.ResponseController].
const WriteTimeout = 15 * time.Second

// Serve answers on l by handler until ctx ends, and then closes l and returns
// nil. It returns an error when l fails. The logger must not be nil.
func Serve(ctx context.Context, l net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler:        handler,
		ReadTimeout:    readTimeout,
		WriteTimeout:   WriteTimeout,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeader,
		ConnState:      limit(maxConnections, log),
		BaseContext:    func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
		// Errors of clients are logged for debugging only.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		server.Close()
		return fmt.Errorf("serve HTTP on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if server.Shutdown(deadline) != nil {
		server.Close()
	}
	<-served
	return nil
}

type connKey struct{}

// Conn is the connection that a request came over, by the request's context. It
// is for identifying the peer, and not to be read or written.
func Conn(ctx context.Context) net.Conn {
	conn, _ := ctx.Value(connKey{}).(net.Conn)
	return conn
}

// limit closes connections beyond a number of them as soon as they are
// accepted.
func limit(connections int64, log *slog.Logger) func(net.Conn, http.ConnState) {
	var open atomic.Int64
	return func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			if open.Add(1) > connections {
				log.Debug("connection refused, as too many are open", "listener", conn.LocalAddr(), "limit", connections)
				conn.Close()
			}
		case http.StateClosed:
			open.Add(-1)
		}
	}
}
