package nodedns_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/netip"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/zone"
)

// A program that knows the nodes by other means reports them to the zone, beside
// a curator if there is one: a source's backlog only affects the nodes that it
// reported itself. Names can be looked up without any socket.
func ExampleService_Zone() {
	service, err := nodedns.New(nodedns.Config{
		PublicKey: make(ed25519.PublicKey, ed25519.PublicKeySize),
		Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
		StateDir:  "/var/lib/inventory", // which New does not look at
	})
	if err != nil {
		panic(err)
	}
	const friend = "metropolis-00112233445566778899aabbccddeeff"

	inventory := service.Zone().Source("inventory")
	inventory.Expect(true)       // until Complete an unknown name is not denied
	inventory.SetConnected(true) // or the cluster counts as lost a minute later
	inventory.Begin()
	inventory.Set(zone.Entry{ID: friend, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.2")}})
	inventory.Complete()

	fmt.Println("reachable:", service.Zone().Snapshot().Reachable())
	answer, err := inspect.Inspector{Server: service.Resolver()}.Query(context.Background(), friend, "A")
	if err != nil {
		panic(err)
	}
	for _, record := range answer.Records {
		fmt.Println(answer.Source, record.Type, record.Data)
	}
	// Output:
	// reachable: true
	// zone A 192.0.2.2
}
