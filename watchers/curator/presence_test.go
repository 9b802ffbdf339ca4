package curator

import (
	"strings"
	"testing"

	"github.com/nodedns/nodedns/watchers/curator/memory"
)

// The cluster deletes this node, and has it again: an error that is reported, and
// no end of the names. After a reconnect its absence shows the same.
func TestRemovedFromTheCluster(t *testing.T) {
	t.Parallel()
	nodes, want := sample(2)
	s, cfg := enrolled(t, nodes...)
	own := memory.Node{ID: string(cfg.LocalID)}
	address, _ := serve(t, s)
	var log logbook
	cfg.Endpoints, cfg.Logger = endpointsAt(address), log.Logger()
	w, r, _ := watch(t, cfg)
	awaitState(t, w, StateConnected)

	s.Directory.Remove(own.ID)
	if status := awaitState(t, w, StateRemoved); !strings.Contains(status.Removed, "deleted") {
		t.Errorf("removed: %q", status.Removed)
	}
	s.Drop()
	r.awaitCall(t, "complete", 2)
	if status := awaitState(t, w, StateRemoved); status.Removed == "" {
		t.Error("a complete backlog without this node tells nothing")
	}
	r.awaitNodes(t, want)
	nodes[0].Address = "192.0.2.99"
	s.Directory.Set(nodes[0])
	want[nodes[0].ID] = nodes[0].Address
	r.awaitNodes(t, want)

	s.Directory.Set(own)
	if status := awaitState(t, w, StateConnected); status.Removed != "" {
		t.Errorf("still removed: %q", status.Removed)
	}
	for line, n := range map[string]int{"this node was removed": 1, "in the cluster again": 1} {
		if got := strings.Count(log.String(), line); got != n {
			t.Errorf("%d lines %q, want %d:\n%s", got, line, n, &log)
		}
	}
}

// A cluster never had this node, though its certificate is good.
func TestNeverInTheCluster(t *testing.T) {
	t.Parallel()
	s, cfg := enrolled(t)
	s.Directory.Remove(string(cfg.LocalID))
	address, _ := serve(t, s)
	cfg.Endpoints = endpointsAt(address)
	w, _, _ := watch(t, cfg)
	awaitState(t, w, StateRemoved)

	// It is taken out of service, as the fix of this reason advises.
	must(t, w.SetEndpoints(nil))
	if status := awaitState(t, w, StateOff); status.Removed != "" {
		t.Errorf("still removed without a cluster: %q", status.Removed)
	}
}

// What never ends its backlog shows nothing by absence.
func TestAbsentFromAnOlderCurator(t *testing.T) {
	t.Parallel()
	s, cfg := enrolled(t)
	s.Directory.Remove(string(cfg.LocalID))
	s.Behave(memory.Behaviour{NoMarker: true})
	address, _ := serve(t, s)
	cfg.Endpoints = endpointsAt(address)
	w, _, _ := watch(t, cfg)
	awaitState(t, w, StateConnected)
}
