package memory

import (
	"context"
	"net/netip"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
)

// UpdateNodeStatus is the server's side of Curator.UpdateNodeStatus: a node
// replaces its own status, all of it but the timestamp, which comes from the
// leader's clock.
func (s service) UpdateNodeStatus(ctx context.Context, req *curatorpb.UpdateNodeStatusRequest) (*curatorpb.UpdateNodeStatusResponse, error) {
	behaviour, _ := s.server.role()
	if behaviour.Follower {
		return s.UnimplementedCuratorServer.UpdateNodeStatus(ctx, req)
	}
	if id, known := caller(ctx); known && id != req.GetNodeId() {
		return nil, status.Errorf(codes.PermissionDenied, "%s may not speak for %.80q", id, req.GetNodeId())
	}
	got := req.GetStatus()
	if _, err := netip.ParseAddr(got.GetExternalAddress()); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "external_address %.80q is no IP address", got.GetExternalAddress())
	}
	if !s.server.Directory.update(req.GetNodeId(), func(n *Node) {
		n.Address = got.GetExternalAddress()
		n.BootID = string(got.GetBootId())
		n.Reported = s.server.now().Unix()
		n.CuratorPort = uint16(got.GetRunningCurator().GetPort())
	}) {
		return nil, status.Errorf(codes.NotFound, "there is no node %.80q", req.GetNodeId())
	}
	return &curatorpb.UpdateNodeStatusResponse{}, nil
}

// update changes a node, if there is one. Its followers are notified even if all
// is as before.
func (d *Directory) update(id string, change func(*Node)) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	node, exists := d.nodes[id]
	if !exists {
		return false
	}
	change(&node)
	d.nodes[id] = node
	d.announce([]string{id})
	return true
}

// now is the curator's time.
func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
