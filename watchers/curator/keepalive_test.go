package curator

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
)

// strictCurator leads, and has gRPC's default limits for pings of clients: it
// ends a connection at the third one within less than five minutes.
type strictCurator struct {
	curatorpb.UnimplementedCuratorServer
	curatorpb.UnimplementedCuratorLocalServer
}

func (strictCurator) Watch(_ *curatorpb.WatchRequest, s grpc.ServerStreamingServer[curatorpb.WatchEvent]) error {
	err := s.Send(&curatorpb.WatchEvent{
		Nodes:    []*curatorpb.Node{{Id: nodeID(1)}},
		Progress: curatorpb.WatchEvent_PROGRESS_LAST_BACKLOGGED,
	})
	<-s.Context().Done()
	return err
}

func (strictCurator) GetCurrentLeader(_ *curatorpb.GetCurrentLeaderRequest, s grpc.ServerStreamingServer[curatorpb.GetCurrentLeaderResponse]) error {
	err := s.Send(&curatorpb.GetCurrentLeaderResponse{LeaderNodeId: nodeID(1), ThisNodeId: nodeID(1)})
	<-s.Context().Done()
	return err
}

func (strictCurator) UpdateNodeStatus(context.Context, *curatorpb.UpdateNodeStatusRequest) (*curatorpb.UpdateNodeStatusResponse, error) {
	return nil, status.Error(codes.Unavailable, "not today")
}

// gRPC doubles the interval of its pings when a curator finds them too many, but
// forgets that with the connection's client. So that is kept: there are a few more
// backlogs until the interval suits the curator, and none after that. The streams
// to one curator share one connection.
func TestTooManyPings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := grpc.NewServer()
		curatorpb.RegisterCuratorServer(server, strictCurator{})
		curatorpb.RegisterCuratorLocalServer(server, strictCurator{})
		var network network
		l := network.listen("127.0.0.1:1")
		background(t, func(ctx context.Context) error {
			context.AfterFunc(ctx, server.Stop)
			return server.Serve(l)
		})
		_, r, _ := watch(t, Config{Endpoints: endpointsAt("127.0.0.1:1"), Insecure: true}, network.use)

		time.Sleep(time.Minute)
		synctest.Wait()
		if first := r.count("begin"); first == 0 || network.dials() != first {
			t.Errorf("%d connections for %d backlogs in a minute, want one for each", network.dials(), first)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		settled := r.count("begin")
		if settled > 10 {
			t.Errorf("%d backlogs in an hour", settled)
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := r.count("begin"); n != settled {
			t.Errorf("%d more backlogs on the next day", n-settled)
		}
	})
}
