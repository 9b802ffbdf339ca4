package curator

import (
	"testing"

	"google.golang.org/grpc/connectivity"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// All calls to one endpoint share a connection, and each is checked: a node that
// has lost the right to speak gets none over the connection that is open to it.
// What is not kept is closed with its last call.
func TestConnectionIsSharedAndJudged(t *testing.T) {
	t.Parallel()
	p, cfg := newPlane(t, 1)
	cfg.Endpoints, cfg.Prefix = endpointsAt(p.addresses...), prefix
	w, err := New(cfg, newRecorder())
	must(t, err)
	w.setCredentials(nodetls.Load(cfg.Credentials, prefix, cfg.LocalID))
	plan := w.currentPlan()
	w.authority.renew(plan)
	cs := newConnections(w, plan)
	endpoint := plan.endpoints[0]
	end := cs.keep(endpoint)

	first, err := cs.open(endpoint)
	must(t, err)
	reports, err := curatorpb.NewCuratorLocalClient(first).GetCurrentLeader(t.Context(), &curatorpb.GetCurrentLeaderRequest{})
	must(t, err)
	_, err = reports.Recv()
	must(t, err)
	second, err := cs.open(endpoint)
	must(t, err)
	if second != first {
		t.Error("two calls have two connections")
	}
	cs.release(second)

	must(t, w.authority.trust(someID(1)))
	if _, err := cs.open(endpoint); !unauthorized(err) {
		t.Errorf("a call to node %s, which may not speak any more: %v", p.servers[0].NodeID(), err)
	}
	if state := first.GetState(); state != connectivity.Ready {
		t.Errorf("the connection with a call is %v", state)
	}
	cs.release(first)
	if state := first.GetState(); state != connectivity.Shutdown {
		t.Errorf("the connection without a call is %v", state)
	}

	must(t, w.authority.trust(zone.ID(p.servers[0].NodeID())))
	third, err := cs.open(endpoint)
	must(t, err)
	cs.release(third)
	if state := third.GetState(); state == connectivity.Shutdown {
		t.Error("a connection that is kept is closed")
	}
	end()
	if state := third.GetState(); state != connectivity.Shutdown || len(cs.current)+len(cs.kept) > 0 {
		t.Errorf("at the end the connection is %v, and left are %v and %v", state, cs.current, cs.kept)
	}
}
