package varlink

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/nodedns/nodedns/internal/unixsocket"
)

const (
	// idleTimeout is how long a connection may take for its next call, all of
	// it, and writeTimeout for taking a reply.
	idleTimeout  = time.Minute
	writeTimeout = 5 * time.Second
	// readSize is enough for an ordinary call.
	readSize = 1 << 10
)

// serveConn answers the calls of a connection until either side ends it.
func (s *Server) serveConn(ctx context.Context, conn *net.UnixConn, peer unixsocket.Peer) {
	reader := bufio.NewReaderSize(conn, readSize)
	var buffer []byte
	for ctx.Err() == nil {
		_ = conn.SetReadDeadline(time.Now().Add(s.idle))
		message, err := readMessage(reader, buffer, maxMessage)
		if err == nil {
			var r *request
			if r, err = parseRequest(message); err == nil {
				err = s.handle(ctx, conn, reader, r, peer)
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && !isDisconnected(err) {
				s.log.Debug("varlink connection ended", "uid", peer.UID, "pid", peer.PID, "error", err)
			}
			return
		}
		buffer = message
	}
}

// handle answers a call. One that may have many replies ends when the client
// disconnects: while there is nothing to write, only reading detects that.
func (s *Server) handle(ctx context.Context, conn *net.UnixConn, reader *bufio.Reader, r *request, peer unixsocket.Peer) error {
	if !r.More {
		return s.reply(ctx, conn, r, peer)
	}
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	_ = conn.SetReadDeadline(time.Time{})
	reading.Go(func() {
		if _, err := reader.Peek(1); err != nil {
			cancel()
		}
	})
	err := s.reply(ctx, conn, r, peer)
	_ = conn.SetReadDeadline(time.Now()) // ends Peek
	reading.Wait()
	cancel()
	return err
}

// reply calls a method and sends what it replies. An error means that the
// connection is no longer usable.
func (s *Server) reply(ctx context.Context, conn *net.UnixConn, r *request, peer unixsocket.Peer) error {
	send := func(reply *response) error {
		if r.Oneway {
			return nil
		}
		return write(conn, reply)
	}
	call := &Call{
		Parameters: r.Parameters, More: r.More, Peer: peer,
		send: func(parameters any) error { return send(&response{Parameters: parameters, Continues: true}) },
	}
	reply, err := respond(s.call(ctx, r, call))
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		// The result of a call that was cancelled is not an answer. Without one
		// its client falls back to another source of names.
		return ctx.Err()
	}
	return send(reply)
}

// call calls the method that a request names, and counts that.
func (s *Server) call(ctx context.Context, r *request, call *Call) (parameters any, err error) {
	method, err := find(s.interfaces, r.Method)
	name := r.Method
	switch {
	case err != nil:
		name = "" // it was chosen by the client
	case r.Upgrade:
		err = ErrInvalidParameter("upgrade")
	default:
		parameters, err = method(ctx, call)
	}
	s.counts.add(name, err)
	return parameters, err
}

// write sends a reply whole.
func write(conn net.Conn, reply *response) error {
	text, err := reply.encode()
	if err != nil {
		return err
	}
	_ = conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err = conn.Write(text)
	return err
}
