package nodefile_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nodedns/nodedns/watchers/nodefile"
	"github.com/nodedns/nodedns/zone"
)

// Two machines have this file. The one that is called web-1 takes the first line
// for its own, and learns of the other.
func Example() {
	dir, err := os.MkdirTemp("", "nodes")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	const lines = "192.0.2.1 web-1 www.corp.example\n192.0.2.2 web-2 db.corp.example\n"
	if err := os.WriteFile(filepath.Join(dir, "machines.hosts"), []byte(lines), 0o644); err != nil {
		panic(err)
	}

	const id = "metropolis-0123456789abcdef0123456789abcdef"
	store, err := zone.NewStore(zone.Config{Local: id})
	if err != nil {
		panic(err)
	}
	store.SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.1")})
	watcher, err := nodefile.New(nodefile.Config{
		Paths: []string{dir}, ID: id, Prefix: zone.DefaultPrefix,
		Hostname: func() string { return "web-1" },
	}, store.FileSource("files"))
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	ended := make(chan error)
	go func() { ended <- watcher.Run(ctx) }()

	for snapshot := range store.Watch(ctx) {
		if !snapshot.Ready() {
			continue
		}
		for _, name := range []string{"www.corp.example", "db.corp.example"} {
			node := snapshot.LookupName([]byte(name)).Node
			fmt.Println(name, node.ID(), slices.Collect(node.Addrs()))
		}
		break
	}
	stop()
	if err := <-ended; err != nil {
		panic(err)
	}
	// Output:
	// www.corp.example metropolis-0123456789abcdef0123456789abcdef [192.0.2.1]
	// db.corp.example web-2 [192.0.2.2]
}
