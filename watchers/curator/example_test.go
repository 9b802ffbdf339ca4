package curator_test

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/zone"
)

// A zone follows a curator, here an in-memory one on loopback.
func Example() {
	directory := &memory.Directory{}
	directory.Set(memory.Node{ID: "metropolis-00112233445566778899aabbccddeeff", Address: "192.0.2.1"})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	store, err := zone.NewStore(zone.Config{Local: "metropolis-ffeeddccbbaa99887766554433221100"})
	if err != nil {
		panic(err)
	}
	endpoint, err := curator.ParseEndpoint(l.Addr().String())
	if err != nil {
		panic(err)
	}
	watcher, err := curator.New(curator.Config{
		Endpoints: []curator.Endpoint{endpoint},
		Insecure:  true, // possible on loopback only
		Prefix:    zone.DefaultPrefix,
	}, store.Source("curator"))
	if err != nil {
		panic(err)
	}

	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = (&memory.Server{Directory: directory}).Serve(ctx, l) })
	running.Go(func() { _ = watcher.Run(ctx) })
	for snapshot := range store.Watch(ctx) {
		if node, ok := snapshot.Lookup("metropolis-00112233445566778899aabbccddeeff"); ok {
			for addr := range node.Addrs() {
				fmt.Println(node.ID(), addr)
			}
			break
		}
	}
	stop()
	running.Wait()
	// Output: metropolis-00112233445566778899aabbccddeeff 192.0.2.1
}
