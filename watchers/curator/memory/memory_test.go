package memory

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve serves s in memory until the test ends, and returns a way to it.
func serve(t *testing.T, s *Server, transport credentials.TransportCredentials) curatorpb.CuratorClient {
	t.Helper()
	return curatorpb.NewCuratorClient(connect(t, s, transport))
}

// connect does so for any of the services.
func connect(t *testing.T, s *Server, transport credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	l := bufconn.Listen(1 << 12)
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.Serve(ctx, l); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		serving.Wait()
	})
	conn, err := grpc.NewClient("passthrough:///memory",
		grpc.WithTransportCredentials(transport),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func watch(t *testing.T, client curatorpb.CuratorClient) grpc.ServerStreamingClient[curatorpb.WatchEvent] {
	t.Helper()
	stream, err := client.Watch(t.Context(), &curatorpb.WatchRequest{
		Kind: &curatorpb.WatchRequest_NodesInCluster_{NodesInCluster: &curatorpb.WatchRequest_NodesInCluster{}},
	})
	must(t, err)
	return stream
}

// rewatch watches after a change of role, by which connections end for a moment.
// It returns what came first, an event or an error.
func rewatch(t *testing.T, client curatorpb.CuratorClient) (stream grpc.ServerStreamingClient[curatorpb.WatchEvent], first *curatorpb.WatchEvent, err error) {
	t.Helper()
	err = retry(t, func() (err error) {
		stream, err = client.Watch(t.Context(), &curatorpb.WatchRequest{
			Kind: &curatorpb.WatchRequest_NodesInCluster_{NodesInCluster: &curatorpb.WatchRequest_NodesInCluster{}},
		})
		if err == nil {
			first, err = stream.Recv()
		}
		return err
	})
	return stream, first, err
}

// retry calls until the curator is there, and returns the last error.
func retry(t *testing.T, call func() error) error {
	t.Helper()
	for {
		err := call()
		if status.Code(err) != codes.Unavailable || t.Context().Err() != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// text renders an event: nodes with addresses, tombstones with a minus sign,
// and "|" for the marker.
func text(event *curatorpb.WatchEvent) string {
	var parts []string
	for _, node := range event.GetNodes() {
		parts = append(parts, node.GetId()+"="+node.GetStatus().GetExternalAddress())
	}
	for _, tombstone := range event.GetNodeTombstones() {
		parts = append(parts, "-"+tombstone.GetNodeId())
	}
	if event.GetProgress() == curatorpb.WatchEvent_PROGRESS_LAST_BACKLOGGED {
		parts = append(parts, "|")
	}
	return strings.Join(parts, " ")
}

func expect(t *testing.T, stream grpc.ServerStreamingClient[curatorpb.WatchEvent], events ...string) {
	t.Helper()
	for _, want := range events {
		event, err := stream.Recv()
		must(t, err)
		if got := text(event); got != want {
			t.Errorf("received %q, want %q", got, want)
		}
	}
}

func expectEnd(t *testing.T, stream grpc.ServerStreamingClient[curatorpb.WatchEvent], want codes.Code) {
	t.Helper()
	if event, err := stream.Recv(); status.Code(err) != want {
		t.Errorf("received %v, %v; want %v", event, err, want)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		chunkSize int
		behaviour Behaviour
		backlog   []string
	}{
		"one chunk":      {0, Behaviour{}, []string{"a=1 b=2 c=3 |"}},
		"small chunks":   {1, Behaviour{}, []string{"a=1", "b=2", "c=3", "|"}},
		"medium chunks":  {20, Behaviour{}, []string{"a=1 b=2", "c=3 |"}},
		"older":          {0, Behaviour{NoMarker: true}, []string{"a=1 b=2 c=3"}},
		"older, chunked": {1, Behaviour{NoMarker: true}, []string{"a=1", "b=2", "c=3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Server{Directory: &Directory{}, ChunkSize: test.chunkSize}
			s.Behave(test.behaviour)
			s.Directory.Set(Node{ID: "c", Address: "3"}, Node{ID: "a", Address: "1"}, Node{ID: "b", Address: "2"})
			stream := watch(t, serve(t, s, insecure.NewCredentials()))
			expect(t, stream, test.backlog...)
			s.Directory.Set(Node{ID: "a", Address: "1"}) // no change
			s.Directory.Set(Node{ID: "b", Address: "9"}, Node{ID: "d"})
			s.Directory.Remove("a", "nobody")
			expect(t, stream, "b=9", "d=", "-a")
			s.Drop()
			expectEnd(t, stream, codes.Unavailable)
		})
	}
}

// Each change of a label is an event with all labels of the node, sorted by key.
func TestLabels(t *testing.T) {
	t.Parallel()
	labels := map[string]string{NameLabel: "web-1", "a/b": "c"}
	s := &Server{Directory: &Directory{}}
	s.Directory.Set(Node{ID: "a", Labels: labels})
	labels["a/b"] = "changed by the caller, afterwards"
	events := watch(t, serve(t, s, insecure.NewCredentials()))
	for _, step := range []struct {
		change func()
		want   string
	}{
		{func() {}, "a/b=c nodedns/name=web-1"},
		{func() { s.Directory.Rename("a", "web-2") }, "a/b=c nodedns/name=web-2"},
		{func() { s.Directory.SetLabel("a", "a/b", "") }, "nodedns/name=web-2"},
		{func() { s.Directory.Set(Node{ID: "a", Labels: Named("web-2")}, Node{ID: "a", Labels: Named("web-3")}) }, "nodedns/name=web-3"},
		{func() { s.Directory.Rename("a", "") }, ""},
	} {
		step.change()
		event, err := events.Recv()
		must(t, err)
		var got []string
		for _, pair := range event.GetNodes()[0].GetLabels().GetPairs() {
			got = append(got, pair.GetKey()+"="+pair.GetValue())
		}
		if text := strings.Join(got, " "); text != step.want {
			t.Errorf("labels %q, want %q", text, step.want)
		}
	}
	if s.Directory.Rename("b", "web-4") || len(s.Directory.Nodes()) != 1 {
		t.Error("a node that does not exist has got a name")
	}
}

func TestBehaviour(t *testing.T) {
	t.Parallel()
	s := &Server{Directory: &Directory{}}
	s.Directory.Set(Node{ID: "a"}, Node{ID: "b"}, Node{ID: "c"})
	client := serve(t, s, insecure.NewCredentials())

	leading := watch(t, client)
	expect(t, leading, "a= b= c= |")
	s.Behave(Behaviour{Follower: true})
	expectEnd(t, leading, codes.Unavailable)
	if _, first, err := rewatch(t, client); status.Code(err) != codes.Unimplemented {
		t.Errorf("a follower sends %v, %v", first, err)
	}

	s.Behave(Behaviour{Cut: 2})
	cut, first, err := rewatch(t, client)
	if err != nil || text(first) != "a= b=" {
		t.Errorf("received %v, %v", first, err)
	}
	expectEnd(t, cut, codes.Unavailable)

	s.Behave(Behaviour{Raw: [][]byte{{}, {0xff}}})
	broken := watch(t, client)
	expect(t, broken, "")
	expectEnd(t, broken, codes.Internal)

	s.Behave(Behaviour{})
	expect(t, watch(t, client), "a= b= c= |")
	if one, err := client.Watch(t.Context(), &curatorpb.WatchRequest{}); err == nil {
		expectEnd(t, one, codes.Unimplemented)
	}
}

// A client that does not read holds up no other, and skips to the newest values
// when it does.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	const nodes, rounds = 50, 400
	s := &Server{Directory: &Directory{}}
	stream := watch(t, serve(t, s, insecure.NewCredentials()))
	expect(t, stream, "|")
	// More than fits into gRPC's and the listener's buffers.
	long := strings.Repeat("x", 1000)
	for round := range rounds {
		for i := range nodes {
			s.Directory.Set(Node{ID: fmt.Sprint(i), Address: fmt.Sprint(round, long)})
		}
	}
	newest := make(map[string]string)
	received := 0
	last := fmt.Sprint(rounds-1, long)
	for done := false; !done; {
		event, err := stream.Recv()
		must(t, err)
		received++
		for _, node := range event.GetNodes() {
			newest[node.GetId()] = node.GetStatus().GetExternalAddress()
		}
		done = len(newest) == nodes && !slices.ContainsFunc(slices.Collect(maps.Values(newest)), func(a string) bool { return a != last })
	}
	if received >= nodes*rounds {
		t.Errorf("received all of %d values: nothing was skipped", received)
	}
}

func TestClusterKeepsItsCA(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	first, err := OpenCluster(dir, zone.DefaultPrefix)
	must(t, err)
	again, err := OpenCluster(dir, zone.DefaultPrefix)
	must(t, err)
	if !first.CA().Equal(again.CA()) {
		t.Error("the second one is another cluster")
	}
	node, err := again.NewNode()
	must(t, err)
	if _, err := nodetls.VerifyPeer(node.Certificate.Certificate, first.CA(), zone.DefaultPrefix); err != nil {
		t.Errorf("a certificate of the reopened cluster: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(dir, caKeyFile), []byte("damaged"), 0o600))
	if _, err := OpenCluster(dir, zone.DefaultPrefix); err == nil {
		t.Error("a damaged key is accepted")
	}
}

func TestOpenKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	first, err := OpenKey(path)
	must(t, err)
	again, err := OpenKey(path)
	must(t, err)
	if !first.Equal(again) {
		t.Error("the second one is another key")
	}
	must(t, os.WriteFile(path, []byte("damaged"), 0o600))
	if _, err := OpenKey(path); err == nil {
		t.Error("a damaged key is accepted")
	}
}

func TestWriteCredentials(t *testing.T) {
	t.Parallel()
	cluster, err := NewCluster(zone.DefaultPrefix)
	must(t, err)
	pub, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	dir := filepath.Join(t.TempDir(), "deep", "down")
	must(t, cluster.WriteCredentials(dir, pub, nil))
	if _, err := os.Stat(filepath.Join(dir, nodetls.KeyFile)); err == nil {
		t.Error("a key was written that was not given")
	}
	must(t, cluster.WriteCredentials(dir, pub, key))
	own, err := nodetls.Load(dir, zone.DefaultPrefix, zone.DefaultPrefix.FromPublicKey(pub))
	must(t, err)
	if info, err := os.Stat(filepath.Join(dir, nodetls.KeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, %v", info.Mode(), err)
	}

	// And they are good for a connection.
	s := &Server{Directory: &Directory{}, Prefix: zone.DefaultPrefix}
	s.Credentials, err = cluster.NewNode()
	must(t, err)
	expect(t, watch(t, serve(t, s, credentials.NewTLS(own.ClientConfig(zone.DefaultPrefix, nil)))), "|")
}

func TestServeReportsItsListener(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	if err := (&Server{Directory: &Directory{}}).Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("err = %v, want one that names the listener", err)
	}
}

// The leader reports itself once and keeps the stream open, a follower reports
// each change, and both end when their role does.
func TestGetCurrentLeader(t *testing.T) {
	t.Parallel()
	s := &Server{Directory: &Directory{}, ID: "me"}
	client := curatorpb.NewCuratorLocalClient(connect(t, s, insecure.NewCredentials()))
	ask := func() grpc.ServerStreamingClient[curatorpb.GetCurrentLeaderResponse] {
		t.Helper()
		says, err := client.GetCurrentLeader(t.Context(), &curatorpb.GetCurrentLeaderRequest{})
		must(t, err)
		return says
	}
	hear := func(says grpc.ServerStreamingClient[curatorpb.GetCurrentLeaderResponse], want string) {
		t.Helper()
		m, err := says.Recv()
		got := fmt.Sprint(status.Code(err))
		if err == nil {
			got = fmt.Sprintf("%s at %s:%d by %s", m.GetLeaderNodeId(), m.GetLeaderHost(), m.GetLeaderPort(), m.GetThisNodeId())
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	leading := ask()
	hear(leading, "me at :0 by me")
	s.Behave(Behaviour{Follower: true})
	hear(leading, "Unavailable")

	must(t, retry(t, func() error {
		says, err := client.GetCurrentLeader(t.Context(), &curatorpb.GetCurrentLeaderRequest{})
		if err == nil {
			_, err = says.Recv()
		}
		return err
	}))
	following := ask()
	hear(following, " at :0 by me")
	s.SetLeader(Leader{ID: "you", Host: "192.0.2.1", Port: 7835})
	hear(following, "you at 192.0.2.1:7835 by me")
	s.Drop()
	hear(following, "Unavailable")

	s.Behave(Behaviour{Follower: true, NoLeaderStream: true})
	hear(ask(), "Unimplemented")
}

// A client that never finishes its handshake does not hold up the end.
func TestServeEndsDuringAHandshake(t *testing.T) {
	t.Parallel()
	cluster, err := NewCluster(zone.DefaultPrefix)
	must(t, err)
	s := &Server{Directory: &Directory{}, Prefix: zone.DefaultPrefix}
	s.Credentials, err = cluster.NewNode()
	must(t, err)
	l := bufconn.Listen(1 << 12)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	conn, err := l.DialContext(ctx)
	must(t, err)
	defer conn.Close()
	cancel()
	must(t, <-ended)
}
