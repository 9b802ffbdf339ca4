package memory

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/nodedns/nodedns/watchers/curator/curatorpb"
)

// UpdateNodeStatus is the server's side of Curator.UpdateNodeStatus: a node
// replaces its own status, all of it.
func (s service) UpdateNodeStatus(ctx context.Context, req *curatorpb.UpdateNodeStatusRequest) (*curatorpb.UpdateNodeStatusResponse, error) {
	behaviour, _ := s.server.role()
	if behaviour.Follower {
		return s.UnimplementedCuratorServer.UpdateNodeStatus(ctx, req)
	}
	if id, known := caller(ctx); known && id != req.GetNodeId() {
		return nil, status.Errorf(codes.PermissionDenied, "%s may not speak for %.80q", id, req.GetNodeId())
	}
	said := req.GetStatus()
	if !s.server.Directory.update(req.GetNodeId(), func(n *Node) {
		n.Address = said.GetExternalAddress()
		n.BootID = string(said.GetBootId())
		n.Reported = said.GetTimestamp().GetSeconds()
		n.CuratorPort = uint16(said.GetRunningCurator().GetPort())
	}) {
		return nil, status.Errorf(codes.NotFound, "there is no node %.80q", req.GetNodeId())
	}
	return &curatorpb.UpdateNodeStatusResponse{}, nil
}

// caller is the node that calls, by its certificate; in plain text nobody knows.
func caller(ctx context.Context) (id string, known bool) {
	p, _ := peer.FromContext(ctx)
	info, secured := p.AuthInfo.(credentials.TLSInfo)
	if !secured || len(info.State.PeerCertificates) == 0 {
		return "", false
	}
	return info.State.PeerCertificates[0].Subject.CommonName, true
}

// update changes a node, if there is one.
func (d *Directory) update(id string, change func(*Node)) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	node, exists := d.nodes[id]
	if !exists {
		return false
	}
	was := node
	if change(&node); node != was {
		d.nodes[id] = node
		d.announce([]string{id})
	}
	return true
}
