package nodedns_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net"
	"net/netip"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/zone"
)

// A program that has the nodes of the last run on its own disk puts them in before
// the cluster is reached, and takes them back once the cluster's are complete.
func ExampleService_Zone_seed() {
	root, err := os.MkdirTemp("", "nodedns")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)
	ctx, stop := context.WithCancel(context.Background())
	service, err := nodedns.New(nodedns.Config{
		PublicKey: make(ed25519.PublicKey, ed25519.PublicKeySize),
		Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
		StateDir:  root,
	})
	if err != nil {
		panic(err)
	}
	const friend = "metropolis-00112233445566778899aabbccddeeff"
	const stranger = "metropolis-ffeeddccbbaa99887766554433221100" // which has left the cluster
	lookup := func(when string) {
		node, _ := service.Zone().Snapshot().Lookup(friend)
		for addr := range node.Addrs() {
			fmt.Println(when, addr)
		}
	}

	known := service.Zone().Source("known nodes")
	known.Set(zone.Entry{ID: friend, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.2")}})
	known.Set(zone.Entry{ID: stranger, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.4")}})
	lookup("before the start:")

	listener := bufconn.Listen(1 << 16)
	directory := &memory.Directory{}
	directory.Set(memory.Node{ID: friend, Address: "192.0.2.3"})
	curator := &memory.Server{Directory: directory}
	curatorEnded, ended := make(chan error, 1), make(chan error, 1)
	go func() { curatorEnded <- curator.Serve(ctx, listener) }()
	conn, err := grpc.NewClient("passthrough:///curator",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return listener.DialContext(ctx)
		}))
	if err != nil {
		panic(err)
	}
	service.SetClusterDialer(func(context.Context) (grpc.ClientConnInterface, func() error, error) {
		return conn, nil, nil
	})
	go func() { ended <- service.Run(ctx) }()

	for snapshot := range service.Zone().Watch(ctx) {
		if snapshot.Cluster().Complete {
			break
		}
	}
	known.Gone(friend, stranger)
	lookup("from the cluster:")
	node, _ := service.Zone().Snapshot().Lookup(stranger)
	fmt.Println("departed:", node.Departed())

	stop()
	fmt.Println("ended:", <-ended, conn.Close(), <-curatorEnded)
	// Output:
	// before the start: 192.0.2.2
	// from the cluster: 192.0.2.3
	// departed: true
	// ended: context canceled <nil> <nil>
}
