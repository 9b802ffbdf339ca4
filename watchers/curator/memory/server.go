package memory

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/nodedns/nodedns/watchers/curator/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// DefaultChunkSize is about the size of a backlog's events, in bytes.
const DefaultChunkSize = 2 << 20

// Behaviour is what a curator does besides what it should. The zero value is a
// leader that keeps the protocol.
type Behaviour struct {
	// Follower: not the leader, so every method of the Curator service is
	// Unimplemented.
	Follower bool
	// NoLeaderStream: an older curator, which cannot tell who leads.
	NoLeaderStream bool
	// NoMarker: an older curator, which does not mark the end of the backlog.
	NoMarker bool
	// Cut, if above zero, ends each stream after that many nodes of the
	// backlog, or at its end, but before the marker.
	Cut int
	// Raw, if not nil, are the events of a stream as bytes, in place of the
	// directory's. The stream then stays open.
	Raw [][]byte
	// Script, if not nil, sends the events of a stream as bytes, in place of
	// the directory's. The stream ends when it returns, and send fails when it
	// has ended.
	Script func(send func(event []byte) error) error
}

// Server is a curator. Its fields must not change once it serves.
type Server struct {
	// Directory is what it serves.
	Directory *Directory
	// Credentials are those of the curator's own node. Nil means plain text.
	Credentials *nodetls.Credentials
	// ID is the curator's own node where there are no Credentials to tell.
	ID string
	// Prefix of the node IDs in the certificates of clients.
	Prefix zone.Prefix
	// ChunkSize is about the size of a backlog's events in bytes; 0 means
	// DefaultChunkSize.
	ChunkSize int

	mu        sync.Mutex
	behaviour Behaviour
	ended     chan struct{} // closed to end the streams that are open
	streams   int
	leader    Leader
	renamed   chan struct{} // closed when the leader is another one
}

// Serve serves l until ctx ends, and then closes it and returns nil. It may be
// called again, and for several listeners at once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(codec{}),
		grpc.WaitForHandlers(true),
		// Clients look for a partition by frequent keepalives.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: 5 * time.Second, PermitWithoutStream: true,
		}),
	}
	if s.Credentials != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(s.Credentials.ServerConfig(s.Prefix))))
	}
	server := grpc.NewServer(options...)
	curatorpb.RegisterCuratorServer(server, service{server: s})
	curatorpb.RegisterCuratorLocalServer(server, local{server: s})
	served := make(chan error, 1)
	go func() { served <- server.Serve(mortal{l, ctx}) }()
	select {
	case <-ctx.Done():
		server.Stop()
		<-served
		return nil
	case err := <-served:
		server.Stop()
		if errors.Is(err, grpc.ErrServerStopped) {
			return nil
		}
		return fmt.Errorf("serving the in-memory curator on %s: %w", l.Addr(), err)
	}
}

// Behave changes the behaviour and ends all streams, as a curator does when
// its role changes.
func (s *Server) Behave(b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behaviour = b
	s.endStreams()
}

// Drop ends all streams. Clients may come back at once.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endStreams()
}

func (s *Server) endStreams() {
	if s.ended != nil {
		close(s.ended)
		s.ended = nil
	}
}

// Behaviour returns the present behaviour.
func (s *Server) Behaviour() Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behaviour
}

// Streams returns the number of open streams of nodes.
func (s *Server) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams
}

// open counts a stream, and returns how it is to behave and what ends it.
func (s *Server) open() (Behaviour, <-chan struct{}) {
	s.mu.Lock()
	s.streams++
	s.mu.Unlock()
	return s.role()
}

// role returns how a call is to behave, and what ends it.
func (s *Server) role() (Behaviour, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.ended = make(chan struct{})
	}
	return s.behaviour, s.ended
}

func (s *Server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams--
}
