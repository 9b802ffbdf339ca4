package memory

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/zone"
)

// Leader is the node that a follower names as the leader. The zero value is
// none: an election is on.
type Leader struct {
	ID string
	// Host and Port are where it is; both may be missing.
	Host string
	Port uint16
}

// SetLeader changes which leader the curator names while it follows. Streams go on.
func (s *Server) SetLeader(leader Leader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leader = leader
	if s.renamed != nil {
		close(s.renamed)
		s.renamed = nil
	}
}

// Leader is the one that the curator names while it follows.
func (s *Server) Leader() Leader {
	leader, _ := s.named()
	return leader
}

// named returns the leader that a follower names, and what is closed when it
// changes.
func (s *Server) named() (Leader, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.renamed == nil {
		s.renamed = make(chan struct{})
	}
	return s.leader, s.renamed
}

// NodeID is the curator's own node.
func (s *Server) NodeID() string {
	if s.Credentials != nil {
		return string(s.Credentials.ID)
	}
	return s.ID
}

// Join enters the curator's own node into the Directory, as a consensus member
// and as one that has a curator, unless the Directory has it. A real control
// plane always lists those that run it, and which nodes may speak for a cluster
// is decided by that. The address may be empty, and the port 0, for one that
// can't be reached through the Directory.
func (s *Server) Join(address string, port uint16) {
	s.Directory.add(Node{
		ID: s.NodeID(), Address: address, CuratorPort: port, Roles: zone.ConsensusMember, State: zone.StateUp,
	})
}

// local is the service that each curator has, whether it leads or not.
type local struct {
	curatorpb.UnimplementedCuratorLocalServer
	server *Server
}

// GetCurrentLeader is the server's side of CuratorLocal.GetCurrentLeader.
func (l local) GetCurrentLeader(req *curatorpb.GetCurrentLeaderRequest, stream grpc.ServerStreamingServer[curatorpb.GetCurrentLeaderResponse]) error {
	behaviour, ended := l.server.role()
	self := l.server.NodeID()
	switch {
	case behaviour.NoLeaderStream:
		return l.UnimplementedCuratorLocalServer.GetCurrentLeader(req, stream)
	case !behaviour.Follower:
		// It sends no address: the client has found it.
		err := stream.Send(&curatorpb.GetCurrentLeaderResponse{LeaderNodeId: self, ThisNodeId: self})
		if err != nil {
			return err
		}
		return endOfRole(wait(stream.Context(), ended, nil))
	}
	for {
		leader, renamed := l.server.named()
		err := stream.Send(&curatorpb.GetCurrentLeaderResponse{
			LeaderNodeId: leader.ID, LeaderHost: leader.Host, LeaderPort: int32(leader.Port), ThisNodeId: self,
		})
		if err != nil {
			return err
		}
		if err := wait(stream.Context(), ended, renamed); err != nil {
			return endOfRole(err)
		}
	}
}

// endOfRole describes the end of a stream to its reader.
func endOfRole(err error) error {
	if err == errEnded {
		return status.Error(codes.Unavailable, "this curator's role has changed")
	}
	return err
}
