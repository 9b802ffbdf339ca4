package curator

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/nodedns/nodedns/zone"
)

// The whole way, from a curator to what the zone publishes.
func TestIntoTheZone(t *testing.T) {
	t.Parallel()
	nodes, _ := sample(3)
	s, cfg := enrolled(t, nodes...)
	address, stop := serve(t, s)
	store, err := zone.NewStore(zone.Config{Local: cfg.LocalID})
	must(t, err)
	source := store.Source("curator")
	source.Expect(true)
	cfg.Endpoints, cfg.Prefix = endpointsAt(address), prefix
	w, err := New(cfg, source)
	must(t, err)
	background(t, w.Run)

	await := func(what string, ok func(*zone.Snapshot) bool) {
		t.Helper()
		for snapshot := range store.Watch(t.Context()) {
			if ok(snapshot) {
				return
			}
		}
		t.Fatalf("the store ended before %s", what)
	}
	address1 := func(s *zone.Snapshot, id string) netip.Addr {
		node, _ := s.Lookup(id)
		for addr := range node.Addrs() {
			return addr
		}
		return netip.Addr{}
	}

	await("the backlog", func(s *zone.Snapshot) bool {
		return s.Ready() && s.Cluster().Complete
	})
	if got := address1(store.Snapshot(), nodes[2].ID); got.String() != nodes[2].Address {
		t.Errorf("address %s, want %s", got, nodes[2].Address)
	}
	if got, want := store.Snapshot().Cluster().ID, s.Credentials.ClusterID(); got != want {
		t.Errorf("cluster %s, want %s", got, want)
	}
	nodes[0].Address = "192.0.2.77"
	s.Directory.Set(nodes[0])
	await("the change", func(s *zone.Snapshot) bool { return address1(s, nodes[0].ID).String() == "192.0.2.77" })

	// What is missing after a reconnect has departed and is still answered.
	stop()
	await("the loss", func(s *zone.Snapshot) bool { return !s.Cluster().Connected })
	s.Directory.Remove(nodes[1].ID)
	serve(t, s, address)
	await("the return", func(s *zone.Snapshot) bool { return s.Cluster().Connected && s.Counts().Departed == 1 })
	departed := slices.DeleteFunc(slices.Collect(store.Snapshot().All()), func(n zone.Node) bool { return !n.Departed() })
	if len(departed) != 1 || string(departed[0].ID()) != nodes[1].ID || address1(store.Snapshot(), nodes[1].ID).String() != nodes[1].Address {
		t.Errorf("departed: %v", departed)
	}
}
