package memory

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
)

// service keeps the methods of the API out of the Server's own.
type service struct {
	curatorpb.UnimplementedCuratorServer
	server *Server
}

var errEnded = status.Error(codes.Unavailable, "the curator ends its streams")

// Watch is the server's side of Curator.Watch.
func (s service) Watch(req *curatorpb.WatchRequest, events grpc.ServerStreamingServer[curatorpb.WatchEvent]) error {
	if req.GetNodesInCluster() == nil {
		return status.Error(codes.Unimplemented, "only nodes_in_cluster is served")
	}
	behaviour, ended := s.server.open()
	defer s.server.close()
	switch {
	case behaviour.Follower:
		return s.UnimplementedCuratorServer.Watch(req, events)
	case behaviour.Raw != nil:
		return sendRaw(behaviour.Raw, ended, events)
	case behaviour.Script != nil:
		return behaviour.Script(func(event []byte) error {
			select {
			case <-ended:
				return errEnded
			default:
				return events.SendMsg(raw(event))
			}
		})
	}

	// One step: no change falls between the backlog and what follows.
	nodes, changes := s.server.Directory.follow()
	defer s.server.Directory.unfollow(changes)
	if err := s.sendBacklog(nodes, behaviour, events); err != nil {
		return err
	}
	for {
		if err := s.sendChanges(changes, ended, events); err != nil {
			return err
		}
		if err := wait(events.Context(), ended, changes.wake); err != nil {
			return err
		}
	}
}

// sendBacklog sends all nodes in chunks, the last of which carries the marker
// and may be empty.
func (s service) sendBacklog(nodes []Node, behaviour Behaviour, events grpc.ServerStreamingServer[curatorpb.WatchEvent]) error {
	if behaviour.Cut > 0 {
		nodes = nodes[:min(behaviour.Cut, len(nodes))]
	}
	limit := s.server.ChunkSize
	if limit == 0 {
		limit = DefaultChunkSize
	}
	chunk, size := &curatorpb.WatchEvent{}, 0
	for _, node := range nodes {
		message := node.message()
		chunk.Nodes = append(chunk.Nodes, message)
		size += proto.Size(message)
		if size >= limit {
			if err := events.Send(chunk); err != nil {
				return err
			}
			chunk, size = &curatorpb.WatchEvent{}, 0
		}
	}
	marked := !behaviour.NoMarker && behaviour.Cut == 0
	if marked {
		chunk.Progress = curatorpb.WatchEvent_PROGRESS_LAST_BACKLOGGED
	}
	if marked || len(chunk.Nodes) > 0 {
		if err := events.Send(chunk); err != nil {
			return err
		}
	}
	if behaviour.Cut > 0 {
		return errEnded
	}
	return nil
}

// sendChanges sends what is queued, one node per event.
func (s service) sendChanges(changes *follower, ended <-chan struct{}, events grpc.ServerStreamingServer[curatorpb.WatchEvent]) error {
	for {
		node, exists, ok := s.server.Directory.next(changes)
		if !ok {
			return nil
		}
		event := &curatorpb.WatchEvent{}
		if exists {
			event.Nodes = []*curatorpb.Node{node.message()}
		} else {
			event.NodeTombstones = []*curatorpb.WatchEvent_NodeTombstone{{NodeId: node.ID}}
		}
		if err := events.Send(event); err != nil {
			return err
		}
		select {
		case <-ended:
			return errEnded
		default:
		}
	}
}

func sendRaw(messages [][]byte, ended <-chan struct{}, events grpc.ServerStream) error {
	for _, message := range messages {
		if err := events.SendMsg(raw(message)); err != nil {
			return err
		}
	}
	return wait(events.Context(), ended, nil)
}

// wait returns nil when there are changes, and an error when the stream is to
// end.
func wait(ctx context.Context, ended, wake <-chan struct{}) error {
	select {
	case <-wake:
		return nil
	case <-ended:
		return errEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}
