package curator

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/zone"
)

// impostor serves as a worker of the plane's cluster which claims to lead, with
// nodes of its own making.
func (p *plane) impostor(nodes ...memory.Node) (*memory.Server, string) {
	p.t.Helper()
	own, err := p.cluster.NewNode()
	must(p.t, err)
	s := &memory.Server{Directory: &memory.Directory{}, Prefix: prefix, Credentials: own, Restart: restart}
	s.Join("", 0)
	s.Directory.Set(nodes...)
	address, _ := serve(p.t, s)
	return s, address
}

// A worker claims to lead at the second endpoint, before and after the leader is
// gone: it is ignored, and the nodes stay.
func TestWorkerClaimsToLead(t *testing.T) {
	t.Parallel()
	nodes, want := sample(3)
	p, cfg := newPlane(t, 1, nodes...)
	cfg.Endpoints = endpointsAt(p.addresses...)
	w, r, _ := watch(t, cfg)
	p.awaitLeader(w, 0)
	r.awaitNodes(t, want)
	worker, address := p.impostor(memory.Node{ID: nodes[0].ID, Address: "192.0.2.66"})
	must(t, w.SetEndpoints(endpointsAt(address, p.addresses[0])))
	p.awaitLeader(w, 0)

	p.kill(0)
	status := awaitState(t, w, StateUnauthorized)
	for _, part := range []string{worker.NodeID(), address + "#" + worker.NodeID(), "nodedns curator trust"} {
		if !strings.Contains(status.Detail, part) {
			t.Errorf("detail %q does not say %q", status.Detail, part)
		}
	}
	if status.Refused[ReasonNotEntitled] == 0 || len(status.Refusals) == 0 || status.Rejected != StateUnauthorized {
		t.Errorf("status %+v", status)
	}
	p.revive(0)
	p.awaitLeader(w, 0)
	r.awaitNodes(t, want)

	// By an operator's decision it is.
	p.kill(0)
	must(t, w.Trust(worker.NodeID()))
	awaitStatus(t, w, "the trusted one", func(s Status) bool {
		return s.State == StateRemoved && string(w.currentCurator().id) == worker.NodeID()
	})
	if err := w.Trust("web-2"); err == nil {
		t.Error("what is no node ID is trusted")
	}
}

// A member's backlog seems to be complete, and ends later without the member: it
// is dropped from a state in which changes are followed.
func TestBacklogEndsLateWithoutItsSender(t *testing.T) {
	t.Parallel()
	p, cfg := newPlane(t, 1)
	cfg.Endpoints = endpointsAt(p.addresses...)
	w, _, _ := watch(t, cfg)
	p.awaitLeader(w, 0)
	settled := make(chan struct{})
	p.servers[0].Behave(memory.Behaviour{Script: func(send func([]byte) error) error {
		if err := send(event(t, nodes(2))); err != nil {
			return err
		}
		select {
		case <-settled:
			return send(event(t, ending(nodes(3))))
		case <-t.Context().Done():
			return nil
		}
	}})
	awaitStatus(t, w, "quiet", func(s Status) bool { return s.State == StateConnected && s.Detail != "" })
	close(settled)
	if status := awaitState(t, w, StateUnauthorized); status.Refused[ReasonNotMember] == 0 {
		t.Errorf("status %+v", status)
	}
}

// Another node answers where an endpoint names one.
func TestAnotherNodeAnswers(t *testing.T) {
	t.Parallel()
	p, cfg := newPlane(t, 1)
	worker, address := p.impostor()
	for name, endpoint := range map[string]string{
		"pinned":     address + "#" + p.servers[0].NodeID(),
		"by node ID": p.servers[0].NodeID() + address[strings.LastIndex(address, ":"):],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := cfg
			cfg.Endpoints = endpointsAt(endpoint)
			w, r, _ := watch(t, cfg)
			status := awaitState(t, w, StateUnauthorized)
			if status.Refused[ReasonWrongNode] == 0 || !strings.Contains(status.Detail, worker.NodeID()) {
				t.Errorf("status %+v", status)
			}
			if r.story() != "cluster" {
				t.Errorf("got %s", r.story())
			}
		})
	}
}

// All members were replaced while the node was off. It is believed again after a
// while, and what was known of the members survives the restart.
func TestControlPlaneReplaced(t *testing.T) {
	t.Parallel()
	nodes, want := sample(2)
	p, cfg := newPlane(t, 2, nodes...)
	cfg.Endpoints, cfg.AuthorityFile = endpointsAt(p.addresses...), filepath.Join(t.TempDir(), "curators.json")
	w, r, stop := watch(t, cfg)
	p.awaitLeader(w, 0)
	r.awaitNodes(t, want)
	stop()
	p.kill(0)
	p.kill(1)
	_, address := p.impostor(append(nodes, memory.Node{ID: string(cfg.LocalID)})...)

	cfg.Endpoints, cfg.RecoverAfter = endpointsAt(address), NeverRecover
	w, _, stop = watch(t, cfg)
	if status := awaitState(t, w, StateUnauthorized); len(status.Members) != 2 {
		t.Errorf("members %+v", status.Members)
	}
	stop()
	cfg.RecoverAfter = RecoverAfter(100 * time.Millisecond)
	w, r, stop = watch(t, cfg)
	status := awaitState(t, w, StateConnected)
	r.awaitNodes(t, want)
	if status.Accepted == nil || status.Accepted.Why != Recovery || len(status.Members) != 1 {
		t.Errorf("accepted %+v, members %+v", status.Accepted, status.Members)
	}
	stop()

	// By hand, without waiting.
	cfg.RecoverAfter = NeverRecover
	_, address = p.impostor(append(nodes, memory.Node{ID: string(cfg.LocalID)})...)
	cfg.Endpoints = endpointsAt(address)
	w, _, _ = watch(t, cfg)
	awaitState(t, w, StateUnauthorized)
	w.ResetAuthority()
	awaitState(t, w, StateConnected)
}

// A dialer may lead to any node of the cluster: the certificate of the stream is
// checked by the same rule.
func TestDialerLeadsToAWorker(t *testing.T) {
	t.Parallel()
	nodes, want := sample(2)
	p, cfg := newPlane(t, 1, nodes...)
	worker, address := p.impostor(memory.Node{ID: nodes[0].ID, Address: "192.0.2.66"})
	me, err := p.cluster.NewNode()
	must(t, err)
	cfg = Config{LocalID: cfg.LocalID, Dialer: dialAs(me, p.addresses[0])}
	w, r, _ := watch(t, cfg)
	awaitState(t, w, StateConnected)
	r.awaitNodes(t, want)
	w.SetDialer(dialAs(me, address))
	if status := awaitState(t, w, StateUnauthorized); !strings.Contains(status.Detail, "nodedns curator trust "+worker.NodeID()) {
		t.Errorf("detail %q", status.Detail)
	}
	w.SetDialer(dialAs(me, p.addresses[0]))
	awaitState(t, w, StateConnected)
	r.awaitNodes(t, want)
}

// A member leads on without its role until another one leads, which is known by
// then.
func TestMemberLosesItsRole(t *testing.T) {
	t.Parallel()
	p, cfg := newPlane(t, 2)
	cfg.Endpoints = endpointsAt(p.addresses[:1]...)
	w, _, _ := watch(t, cfg)
	p.awaitLeader(w, 0)
	first := p.servers[0].NodeID()
	p.directory.Set(memory.Node{ID: first})
	// The other member may name it as the leader by then.
	awaitStatus(t, w, "the loss of the role", func(s Status) bool { return !slices.Contains(s.Members, Member{zone.ID(first), "member"}) })
	awaitState(t, w, StateConnected)
	p.elect(1)
	status := p.awaitLeader(w, 1)
	if len(status.Members) != 1 || status.Members[0] != (Member{zone.ID(p.servers[1].NodeID()), "member"}) {
		t.Errorf("members %+v", status.Members)
	}
}
