package curator

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/nodedns/nodedns/watchers/curator/curatorpb"
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

// inMemory is a network of one curator, whose address is any. It counts the
// connections.
type inMemory struct {
	*bufconn.Listener
	dialled int // read when all else waits
}

// loopbackConn shows an address of loopback, as plain text requires.
type loopbackConn struct{ net.Conn }

func (loopbackConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (m *inMemory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	m.dialled++
	conn, err := m.DialContext(ctx)
	return loopbackConn{conn}, err
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
		network := inMemory{Listener: bufconn.Listen(1 << 16)}
		go func() { _ = server.Serve(network) }()
		r := newRecorder()
		w, err := New(Config{Endpoints: []string{"127.0.0.1:1"}, Insecure: true, Prefix: prefix}, r)
		must(t, err)
		w.dialContext = network.dial
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()

		time.Sleep(time.Minute)
		synctest.Wait()
		if first := r.count("begin"); first == 0 || network.dialled != first {
			t.Errorf("%d connections for %d backlogs in a minute, want one for each", network.dialled, first)
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
		cancel()
		must(t, <-ended)
		server.Stop()
	})
}
