package curator

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"reflect"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/zone"
)

// The messages here are put together and taken apart by field number, without
// the .proto: these numbers are what other implementations rely on.
const (
	watchMethod = "/metropolis.node.core.curator.proto.api.Curator/Watch"

	leaderMethod = "/metropolis.node.core.curator.proto.api.CuratorLocal/GetCurrentLeader"

	leaderID   protowire.Number = 1
	leaderHost protowire.Number = 2
	leaderPort protowire.Number = 3
	leaderThis protowire.Number = 4

	requestNodesInCluster protowire.Number = 2

	eventNodes           protowire.Number = 1
	eventProgress        protowire.Number = 2
	eventNodeTombstones  protowire.Number = 3
	tombstoneNodeID      protowire.Number = 1
	progressLastBacklog                   = 1
	nodeID_              protowire.Number = 1
	nodeRoles            protowire.Number = 2
	nodeStatus           protowire.Number = 3
	nodeClusternet       protowire.Number = 4
	nodeState            protowire.Number = 5
	nodeLabels           protowire.Number = 6
	statusAddress        protowire.Number = 1
	statusTimestamp      protowire.Number = 2
	statusRunningCurator protowire.Number = 3
	statusVersion        protowire.Number = 4
	statusBootID         protowire.Number = 5
	curatorPort          protowire.Number = 1
	rolesWorker          protowire.Number = 1
	rolesConsensus       protowire.Number = 2
	rolesController      protowire.Number = 3
	labelsPairs          protowire.Number = 1
	pairKey              protowire.Number = 1
	pairValue            protowire.Number = 2
)

// message joins fields.
func message(fields ...[]byte) []byte { return bytes.Join(fields, nil) }

func bytesField(n protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), value)
}

func textField(n protowire.Number, value string) []byte { return bytesField(n, []byte(value)) }

func numberField(n protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), value)
}

// bareCodec leaves messages as they are on the wire.
type bareCodec struct{}

func (bareCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (bareCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

func (bareCodec) Name() string { return "proto" }

// A curator that writes raw bytes is understood.
func TestWireFromCurator(t *testing.T) {
	t.Parallel()
	full := message(
		textField(nodeID_, nodeID(1)),
		bytesField(nodeRoles, message(
			bytesField(rolesWorker, nil),
			bytesField(rolesConsensus, textField(1, "a certificate")),
			bytesField(rolesController, nil))),
		bytesField(nodeStatus, message(
			textField(statusAddress, "192.0.2.1"),
			bytesField(statusTimestamp, numberField(1, 1700000000)),
			bytesField(statusRunningCurator, numberField(curatorPort, 7835)),
			bytesField(statusVersion, textField(1, "v1")),
			bytesField(statusBootID, []byte{1, 2, 3}))),
		bytesField(nodeClusternet, textField(1, "a key")),
		numberField(nodeState, 3),
		bytesField(nodeLabels, message(
			bytesField(labelsPairs, message(textField(pairKey, "example.com/x"), textField(pairValue, "y"))),
			bytesField(labelsPairs, message(textField(pairKey, "nodedns/name"), textField(pairValue, "web-1"))))))
	bare := message(textField(nodeID_, nodeID(2)), numberField(nodeState, 1))
	worker := message(textField(nodeID_, nodeID(3)), bytesField(nodeRoles, bytesField(rolesWorker, nil)), numberField(nodeState, 2))
	controller := message(textField(nodeID_, nodeID(4)), bytesField(nodeRoles, bytesField(rolesController, nil)), numberField(nodeState, 4))
	replies := [][]byte{
		message(bytesField(eventNodes, full), bytesField(eventNodes, bare)),
		message(bytesField(eventNodes, worker), numberField(eventProgress, progressLastBacklog)),
		bytesField(eventNodes, controller),
		bytesField(eventNodeTombstones, textField(tombstoneNodeID, nodeID(2))),
	}
	address := serveBare(t, bytesField(requestNodesInCluster, nil), replies)

	w, r, _ := watch(t, Config{Endpoints: endpointsAt(address), Insecure: true, NameLabel: "nodedns/name"})
	r.awaitCall(t, "gone "+nodeID(2), 1)
	awaitStatus(t, w, "the leader", func(s Status) bool {
		return string(s.Leader) == nodeID(5) && len(s.Curators) == 1 && string(s.Curators[0].ID) == nodeID(5)
	})
	if want := fmt.Sprintf("connected true, begin, set 2, set 1, complete, set 1, gone %s", nodeID(2)); r.story() != want {
		t.Errorf("got %q, want %q", r.story(), want)
	}
	want := map[string]zone.Entry{
		nodeID(1): {
			ID: nodeID(1), Addresses: testkit.Addrs("192.0.2.1"), State: zone.StateUp, CuratorPort: 7835,
			BootID: "\x01\x02\x03", Names: []string{"web-1"},
			Roles: zone.KubernetesWorker | zone.ConsensusMember | zone.KubernetesController,
		},
		nodeID(3): {ID: nodeID(3), Roles: zone.KubernetesWorker, State: zone.StateStandby},
		nodeID(4): {ID: nodeID(4), Roles: zone.KubernetesController, State: zone.StateDecommissioned},
	}
	if !reflect.DeepEqual(r.nodes, want) {
		t.Errorf("nodes %+v, want %+v", r.nodes, want)
	}
}

// serveBare serves Watch with the given replies to the wanted request.
func serveBare(t *testing.T, request []byte, replies [][]byte) string {
	t.Helper()
	server := grpc.NewServer(
		grpc.ForceServerCodecV2(bareCodec{}), grpc.WaitForHandlers(true),
		grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
			var got []byte
			if err := stream.RecvMsg(&got); err != nil {
				return err
			}
			method, _ := grpc.MethodFromServerStream(stream)
			if method == leaderMethod {
				says := message(
					textField(leaderID, nodeID(5)), textField(leaderHost, "127.0.0.1"),
					numberField(leaderPort, 7835), textField(leaderThis, nodeID(5)))
				if err := stream.SendMsg(&says); err != nil {
					return err
				}
				<-stream.Context().Done()
				return nil
			}
			if method != watchMethod || !bytes.Equal(got, request) {
				t.Errorf("called %s with %x, want %s with %x", method, got, watchMethod, request)
			}
			for i := range replies {
				if err := stream.SendMsg(&replies[i]); err != nil {
					return err
				}
			}
			<-stream.Context().Done()
			return nil
		}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	background(t, func(ctx context.Context) error {
		context.AfterFunc(ctx, server.Stop)
		return server.Serve(l)
	})
	return l.Addr().String()
}

// The in-memory curator is understood by a client that reads raw bytes, so it and
// our watcher do not share an error.
func TestWireFromMemory(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, memory.Node{
		ID: nodeID(1), Address: "192.0.2.1", State: zone.StateUp, CuratorPort: 7835,
		Roles:  zone.KubernetesWorker | zone.ConsensusMember | zone.KubernetesController,
		Labels: memory.Named("web-1"),
	}, memory.Node{ID: nodeID(2), State: zone.StateDecommissioned})
	address, _ := serve(t, s)
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	defer conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, watchMethod, grpc.ForceCodecV2(bareCodec{}))
	must(t, err)
	request := bytesField(requestNodesInCluster, nil)
	must(t, stream.SendMsg(&request))
	must(t, stream.CloseSend())
	receive := func(want []byte) {
		t.Helper()
		var got []byte
		must(t, stream.RecvMsg(&got))
		if !bytes.Equal(got, want) {
			t.Errorf("received %x, want %x", got, want)
		}
	}
	receive(message(
		bytesField(eventNodes, message(
			textField(nodeID_, nodeID(1)),
			bytesField(nodeRoles, message(
				bytesField(rolesWorker, nil), bytesField(rolesConsensus, nil), bytesField(rolesController, nil))),
			bytesField(nodeStatus, message(
				textField(statusAddress, "192.0.2.1"),
				bytesField(statusRunningCurator, numberField(curatorPort, 7835)))),
			numberField(nodeState, 3),
			bytesField(nodeLabels, bytesField(labelsPairs, message(
				textField(pairKey, "nodedns/name"), textField(pairValue, "web-1")))))),
		bytesField(eventNodes, message(
			textField(nodeID_, nodeID(2)), bytesField(nodeRoles, nil), numberField(nodeState, 4))),
		numberField(eventProgress, progressLastBacklog)))
	s.Directory.Remove(nodeID(1))
	receive(bytesField(eventNodeTombstones, textField(tombstoneNodeID, nodeID(1))))
}

func TestWireOfTheLeaderFromMemory(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	s.ID = nodeID(6)
	s.SetLeader(memory.Leader{ID: nodeID(5), Host: "192.0.2.5", Port: 7835})
	s.Behave(memory.Behaviour{Follower: true})
	address, _ := serve(t, s)
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	defer conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, leaderMethod, grpc.ForceCodecV2(bareCodec{}))
	must(t, err)
	var request, got []byte
	must(t, stream.SendMsg(&request))
	must(t, stream.CloseSend())
	must(t, stream.RecvMsg(&got))
	want := message(
		textField(leaderID, nodeID(5)), textField(leaderHost, "192.0.2.5"),
		numberField(leaderPort, 7835), textField(leaderThis, nodeID(6)))
	if !bytes.Equal(got, want) {
		t.Errorf("received %x, want %x", got, want)
	}
}

// The process-wide registries stay free for a daemon that embeds nodedns and
// has the original API linked in.
func TestNamesAreNotRegistered(t *testing.T) {
	t.Parallel()
	name := (&curatorpb.Node{}).ProtoReflect().Descriptor().FullName()
	if name != "metropolis.node.core.curator.proto.api.Node" {
		t.Errorf("the message is called %s", name)
	}
	if _, err := protoregistry.GlobalFiles.FindDescriptorByName(name); err == nil {
		t.Errorf("%s is in the registry of descriptors", name)
	}
	if _, err := protoregistry.GlobalTypes.FindMessageByName(name); err == nil {
		t.Errorf("%s is in the registry of types", name)
	}
}
