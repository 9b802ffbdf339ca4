package memory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
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
	// NoLeaderStream: an older curator, which does not report the leader.
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
	// ID is the curator's own node where there are no Credentials with it.
	ID string
	// Prefix of the node IDs in the certificates of clients.
	Prefix zone.Prefix
	// ChunkSize is about the size of a backlog's events in bytes; 0 means
	// DefaultChunkSize.
	ChunkSize int
	// Now is the curator's clock; nil means time.Now.
	Now func() time.Time
	// Restart is how long the port is closed at a change of role; 0 means
	// DefaultRestart.
	Restart time.Duration

	mu        sync.Mutex
	roleEnds  context.CancelFunc
	roleCtx   context.Context // ends with the present role; nil as long as no call needs it
	behaviour Behaviour
	ended     chan struct{} // closed to end the streams that are open
	streams   int
	leader    Leader
	renamed   chan struct{} // closed when the leader is another one
}

// Serve serves l until ctx ends, and then closes it and returns nil. It may be
// called again, and for several listeners at once. While the curator changes its
// role a TCP listener refuses connections.
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
		options = append(options, s.securely()...)
	}
	server := grpc.NewServer(options...)
	curatorpb.RegisterCuratorServer(server, service{server: s})
	curatorpb.RegisterCuratorLocalServer(server, local{server: s})
	served := make(chan error, 1)
	go func() { served <- server.Serve(&listener{l, s, ctx}) }()
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

// Behave changes the behaviour and ends all streams. If that makes a leader of a
// follower or the reverse, all connections end too, and the port is closed for
// as long as Restart sets.
func (s *Server) Behave(b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.Follower != s.behaviour.Follower && s.roleCtx != nil {
		s.roleEnds()
		s.roleCtx = nil
	}
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

// roleContext ends when the curator's present role does.
func (s *Server) roleContext() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.roleCtx == nil {
		s.roleCtx, s.roleEnds = context.WithCancel(context.Background())
	}
	return s.roleCtx
}

func (s *Server) restart() time.Duration {
	return cmp.Or(s.Restart, DefaultRestart)
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
