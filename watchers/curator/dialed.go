package curator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
)

// Dialer returns a connection to the leading curator, authenticated both ways.
// It is called for each stream, must return soon after ctx has ended, and may
// return the same connection each time. A connection should notice by itself
// that the other end is out of reach (gRPC keepalive).
//
// A connection without a release function stays the caller's. Calls over it wait
// until it is ready, and follow where its resolver leads. One with a release
// function is for one stream: calls fail where it cannot connect, and release is
// called at the end; [grpc.ClientConn.Close] is one.
type Dialer func(ctx context.Context) (conn grpc.ClientConnInterface, release func() error, err error)

// dialed is how a plan with a dialer connects.
type dialed struct {
	dial Dialer
	// shared is the connection used last, if it stays the embedder's.
	shared grpc.ClientConnInterface
}

// source returns the source of a stream by the dialer.
func (d *dialed) source(w *Watcher) source {
	return func(ctx context.Context, deliver delivery) error {
		d.shared = nil
		conn, release, err := d.dial(ctx)
		switch {
		case err != nil:
			return err
		case conn == nil:
			return errors.New("the dialer returned neither a connection nor an error")
		case release != nil:
			defer func() { _ = release() }()
			return w.receive(ctx, conn, deliver)
		}
		d.shared = conn
		return w.receive(ctx, waitingConn{conn}, deliver)
	}
}

// reconnected returns when the shared connection has been established again, as
// after its resolver has another address, or when ctx ends. It needs one that shows
// its state, as a [grpc.ClientConn] does.
func (d *dialed) reconnected(ctx context.Context) {
	conn, ok := d.shared.(interface {
		GetState() connectivity.State
		WaitForStateChange(context.Context, connectivity.State) bool
	})
	if !ok {
		<-ctx.Done()
		return
	}
	for state := conn.GetState(); conn.WaitForStateChange(ctx, state); {
		if state = conn.GetState(); state == connectivity.Ready {
			return
		}
	}
}

// waitingConn is a connection whose calls wait until it is ready: gRPC's own pauses
// between attempts to connect take the place of ours.
type waitingConn struct{ grpc.ClientConnInterface }

// NewStream fails when the connection is not ready after a while, so that the
// status shows why. The end of ctx ends the stream.
func (c waitingConn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	ctx, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(connectTimeout, cancel)
	stream, err := c.ClientConnInterface.NewStream(ctx, desc, method, append(opts, grpc.WaitForReady(true))...)
	if !late.Stop() {
		return nil, &notReadyError{err}
	}
	return stream, err
}

func (c waitingConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return c.ClientConnInterface.Invoke(ctx, method, args, reply, append(opts, grpc.WaitForReady(true))...)
}

// notReadyError means that a connection that stays the embedder's is not ready.
type notReadyError struct{ err error }

func (e *notReadyError) Error() string {
	return fmt.Sprintf("the connection is not ready: %s", clip(status.Convert(e.err).Message()))
}

// notReady reports whether an attempt failed by that.
func notReady(err error) bool {
	_, is := errors.AsType[*notReadyError](err)
	return is
}
