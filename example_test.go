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
)

// A node's daemon starts its name service first of all, and gives it a way to
// the cluster once it has joined.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	root, err := os.MkdirTemp("", "nodedns-example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)

	service, err := nodedns.New(nodedns.Config{
		PublicKey: make(ed25519.PublicKey, ed25519.PublicKeySize),
		Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
		StateDir:  root + "/state",
		Files:     nodedns.Files{Root: root, Hosts: "/etc/hosts"},
		Listen:    []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
	})
	if err != nil {
		panic(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()
	<-service.Ready()
	fmt.Println("without a cluster:", service.ID())

	// The node joins its cluster: here one that lives in memory.
	listener := bufconn.Listen(1 << 16)
	directory := &memory.Directory{}
	directory.Set(memory.Node{ID: "metropolis-00112233445566778899aabbccddeeff", Address: "192.0.2.2"})
	curator := &memory.Server{Directory: directory}
	curatorEnded := make(chan error, 1)
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
		return conn, nil, nil // which stays ours
	})
	for snapshot := range service.Zone().Watch(ctx) {
		if !snapshot.Cluster().Complete {
			continue
		}
		for node := range snapshot.All() {
			fmt.Println("in the cluster:", node.ID())
		}
		break
	}

	stop()
	fmt.Println("ended:", <-ended, conn.Close(), <-curatorEnded)
	// Output:
	// without a cluster: metropolis-00000000000000000000000000000000
	// in the cluster: metropolis-00000000000000000000000000000000
	// in the cluster: metropolis-00112233445566778899aabbccddeeff
	// ended: context canceled <nil> <nil>
}
