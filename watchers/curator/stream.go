package curator

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
)

const (
	// maxMessage is the largest event that is accepted, in bytes. Chunks of a
	// backlog are about 2 MiB, but nothing holds a curator to that, and the
	// default limit of gRPC is 4 MiB.
	maxMessage = 64 << 20
	// firstEventTimeout is how long a stream may take to its first event. A
	// curator has at least one node to send: the one it runs on.
	firstEventTimeout = 15 * time.Second
	// backlogIdleTimeout ends the backlog of a curator that does not mark the end.
	backlogIdleTimeout = 2 * time.Second
)

var errSilent = fmt.Errorf("no event within %v of dialling", firstEventTimeout)

// source opens a stream and delivers its events until it fails or ctx ends.
type source func(ctx context.Context, deliver delivery) error

// delivery hands one event on, and returns false when no more are wanted. The
// certificate is that of the other side, nil where it is not known. Without an
// event it waits until the one before is applied.
type delivery func(*curatorpb.WatchEvent, *x509.Certificate) bool

// endpointSource returns the source of a stream from one endpoint.
func (w *Watcher) endpointSource(conns *connections, endpoint Endpoint) source {
	return func(ctx context.Context, deliver delivery) error {
		conn, err := conns.open(endpoint)
		if err != nil {
			return err
		}
		defer conns.release(conn)
		opened := false
		err = w.receive(ctx, conn, func(event *curatorpb.WatchEvent, peer *x509.Certificate) bool {
			opened = true
			return deliver(event, peer)
		})
		if opened {
			return err
		}
		return conn.attempt.or(err)
	}
}

// receive opens a stream over a connection and delivers its events.
func (w *Watcher) receive(ctx context.Context, conn grpc.ClientConnInterface, deliver delivery) error {
	ctx, cancel := context.WithCancel(ctx)
	var reporting sync.WaitGroup
	defer reporting.Wait()
	defer cancel()
	events, err := openWatch(ctx, conn)
	if err != nil {
		return err
	}
	reporting.Go(func() { w.report(ctx, conn) })
	nameLabel := w.nameLabel()
	var memory released
	for {
		var message encoded
		if err := events.RecvMsg(&message); err != nil {
			return err
		}
		peer := peerCertificate(events.Context())
		for event, err := range message.pieces(nameLabel) {
			switch {
			case err != nil:
				return err
			case !deliver(event, peer):
				return ctx.Err()
			}
		}
		size := len(message)
		message = nil
		if !memory.after(size, func() bool { return deliver(nil, peer) }) {
			return ctx.Err()
		}
	}
}

// openWatch calls Curator.Watch for all nodes, and leaves the events encoded.
func openWatch(ctx context.Context, conn grpc.ClientConnInterface) (grpc.ClientStream, error) {
	events, err := conn.NewStream(ctx, &grpc.StreamDesc{StreamName: "Watch", ServerStreams: true},
		curatorpb.Curator_Watch_FullMethodName, grpc.MaxCallRecvMsgSize(maxMessage), grpc.ForceCodecV2(codec{}))
	if err != nil {
		return nil, err
	}
	err = events.SendMsg(&curatorpb.WatchRequest{
		Kind: &curatorpb.WatchRequest_NodesInCluster_{NodesInCluster: &curatorpb.WatchRequest_NodesInCluster{}},
	})
	if err == nil || errors.Is(err, io.EOF) { // the reason of an early end comes with the reply
		err = events.CloseSend()
	}
	return events, err
}

// peerCertificate returns what the other side of a call showed, or nil.
func peerCertificate(ctx context.Context) *x509.Certificate {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.PeerCertificates) == 0 {
		return nil
	}
	return info.State.PeerCertificates[0]
}

// stream applies one stream of events to the sink. Its functions follow the
// progress and are called by run's goroutine.
type stream struct {
	sink      Sink
	authorize func(peer *x509.Certificate) (*roster, error)
	began     func(peer *x509.Certificate)
	event     func(*curatorpb.WatchEvent)
	synced    func(remark string, complete bool)

	// roster since the first event, connected since the first that was applied,
	// complete since the marker.
	roster              *roster
	connected, complete bool
}

// run follows the events of src until it ends, or has no first event in time, or
// ctx ends. At most one event waits while another is applied.
func (s *stream) run(ctx context.Context, src source) error {
	ctx, cancel := context.WithCancel(ctx)
	var receiver sync.WaitGroup
	defer receiver.Wait()
	defer cancel()

	events := make(chan func() error)
	ended := make(chan error, 1)
	receiver.Go(func() {
		ended <- src(ctx, func(event *curatorpb.WatchEvent, peer *x509.Certificate) bool {
			select {
			case events <- func() error { return s.apply(event, peer) }:
				return true
			case <-ctx.Done():
				return false
			}
		})
	})
	defer s.disconnect()
	return s.loop(ctx, events, ended)
}

func (s *stream) loop(ctx context.Context, events <-chan func() error, ended <-chan error) error {
	silence := time.NewTimer(firstEventTimeout)
	defer silence.Stop()
	settled := false
	for {
		select {
		case apply := <-events:
			if err := apply(); err != nil {
				return err
			}
			switch {
			case s.complete || settled:
				silence.Stop()
			case s.connected:
				silence.Reset(backlogIdleTimeout)
			default:
				silence.Reset(firstEventTimeout)
			}
		case <-silence.C:
			if s.roster == nil {
				return errSilent
			}
			if err := s.roster.accept(false); err != nil {
				return err
			}
			settled = true
			s.sink.Settle()
			s.synced("the curator does not mark the end of its backlog: nodes leave by tombstone only", false)
		case err := <-ended:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// apply hands one event to the sink, if its sender may speak; there may be no
// event.
func (s *stream) apply(event *curatorpb.WatchEvent, peer *x509.Certificate) (err error) {
	if event == nil {
		return nil
	}
	if s.roster == nil {
		if s.roster, err = s.authorize(peer); err != nil {
			return err
		}
	}
	marked := event.GetProgress() == curatorpb.WatchEvent_PROGRESS_LAST_BACKLOGGED
	switch {
	case !s.roster.read(event) && marked:
		return s.roster.accept(true) // which it refuses
	case !s.roster.proven:
		return nil
	case s.roster.late:
		return errAgain
	case !s.connected:
		s.connected = true
		s.began(peer)
		s.sink.SetConnected(true)
		s.sink.Begin()
	}
	s.event(event)
	if len(event.GetNodes()) > 0 {
		s.sink.Set(entries(event.GetNodes())...)
	}
	if len(event.GetNodeTombstones()) > 0 {
		s.sink.Gone(tombstones(event.GetNodeTombstones())...)
	}
	// A second marker has nothing to end: by then absence means nothing.
	if !marked || s.complete {
		return nil
	}
	if err := s.roster.accept(true); err != nil {
		return err
	}
	s.complete = true
	s.sink.Complete()
	s.synced("", true)
	return nil
}

func (s *stream) disconnect() {
	if s.connected {
		s.sink.SetConnected(false)
	}
}
