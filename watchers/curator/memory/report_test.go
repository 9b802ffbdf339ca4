package memory

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
)

// Each report is an event, and its timestamp comes from the leader's clock,
// whatever the node reports.
func TestUpdateNodeStatus(t *testing.T) {
	t.Parallel()
	clock := time.Unix(1_700_000_000, 0)
	s := &Server{Directory: &Directory{}, Now: func() time.Time { return clock }}
	s.Directory.Set(Node{ID: "a", Address: "192.0.2.1", CuratorPort: 7835})
	client := serve(t, s, insecure.NewCredentials())
	stream := watch(t, client)
	expect(t, stream, "a=192.0.2.1 |")

	report := &curatorpb.UpdateNodeStatusRequest{NodeId: "a", Status: &curatorpb.NodeStatus{
		ExternalAddress: "192.0.2.2", Timestamp: &curatorpb.NodeStatus_Timestamp{Seconds: 1},
	}}
	for range 3 {
		_, err := client.UpdateNodeStatus(t.Context(), report)
		must(t, err)
		event, err := stream.Recv()
		must(t, err)
		got := event.GetNodes()[0].GetStatus()
		if text(event) != "a=192.0.2.2" || got.GetTimestamp().GetSeconds() != clock.Unix() || got.GetRunningCurator() != nil {
			t.Errorf("received %v", event)
		}
	}

	for address, want := range map[string]codes.Code{
		"": codes.InvalidArgument, "nonsense": codes.InvalidArgument, "192.0.2.2/24": codes.InvalidArgument,
		"2001:db8::1": codes.OK,
	} {
		report.Status.ExternalAddress = address
		if _, err := client.UpdateNodeStatus(t.Context(), report); status.Code(err) != want {
			t.Errorf("address %q: %v, want %v", address, err, want)
		}
	}
	report.NodeId, report.Status.ExternalAddress = "b", "192.0.2.1"
	if _, err := client.UpdateNodeStatus(t.Context(), report); status.Code(err) != codes.NotFound {
		t.Errorf("a node that is not there: %v", err)
	}
}

// A curator's own node is a member of its cluster, unless the directory holds
// something else about it.
func TestJoin(t *testing.T) {
	t.Parallel()
	s := &Server{Directory: &Directory{}, ID: "a"}
	s.Join("192.0.2.1", 7835)
	s.Join("192.0.2.2", 1)
	nodes := s.Directory.Nodes()
	if len(nodes) != 1 || nodes[0].Address != "192.0.2.1" || nodes[0].CuratorPort != 7835 || nodes[0].Roles.String() != "consensus-member" {
		t.Errorf("nodes %+v", nodes)
	}
}
