package inspect_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/zone"
)

// A Server resolves names without any socket.
func ExampleInspector() {
	store, err := zone.NewStore(zone.Config{Local: "gateway"})
	if err != nil {
		log.Fatal(err)
	}
	store.SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.7")})

	server, err := resolver.New(resolver.Config{
		Zone:     store.Snapshot,
		Settings: resolver.Settings{TTL: 10 * time.Second, Domains: []string{"nodes.example"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	inspector := inspect.Inspector{Server: server, Refusal: store.Refusal}
	for _, name := range []string{"gateway.nodes.example", "absent.nodes.example"} {
		answer, err := inspector.Query(context.Background(), name, "A")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(answer.Rcode, answer.Source, answer.Reason)
		for _, record := range answer.Records {
			fmt.Println(record.Name, record.TTL, record.Type, record.Data)
		}
	}
	// Output:
	// NOERROR zone a node
	// gateway.nodes.example. 10 A 192.0.2.7
	// NXDOMAIN zone no such node
}
