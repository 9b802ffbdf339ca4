package curator

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// enrolled makes a cluster with a curator, and a configuration of a node that
// belongs to it.
func enrolled(t *testing.T, nodes ...memory.Node) (*memory.Server, Config) {
	t.Helper()
	cluster, me := newCluster(t), newMember(t)
	me.enrol(t, cluster)
	return newServer(t, cluster, append(nodes, me.node())...), Config{Credentials: me.dir, LocalID: me.id}
}

func TestFollowsTheCluster(t *testing.T) {
	t.Parallel()
	nodes, want := sample(3)
	s, cfg := enrolled(t, nodes...)
	address, _ := serve(t, s)
	cfg.Endpoints = endpointsAt(address)
	before := time.Now()
	w, r, stop := watch(t, cfg)

	r.awaitCall(t, "complete", 1)
	if want := "cluster, connected true, begin, set 5, complete"; r.story() != want {
		t.Errorf("got %q, want %q", r.story(), want)
	}
	if want := s.Credentials.ClusterID(); r.cluster != want {
		t.Errorf("cluster %q, want %q", r.cluster, want)
	}
	r.awaitNodes(t, want)

	status := awaitState(t, w, StateConnected)
	if status.Endpoint != address || status.ConnectedSince.Before(before.Truncate(time.Millisecond)) || status.Detail != "" || len(status.Remarks) != 0 {
		t.Errorf("status %+v", status)
	}
	if want := (Counters{Attempts: 1, Connects: 1, Events: 1}); status.Counters != want {
		t.Errorf("counters %+v, want %+v", status.Counters, want)
	}

	nodes[0].Address = "192.0.2.100"
	s.Directory.Set(nodes[0])
	s.Directory.Remove(nodes[1].ID)
	s.Directory.Set(memory.Node{ID: nodeID(9)}) // has not reported itself
	want[nodes[0].ID], want[nodeID(9)] = "192.0.2.100", ""
	delete(want, nodes[1].ID)
	r.awaitNodes(t, want)

	stop()
	if r.connected {
		t.Error("still connected after the end")
	}
	if status := w.Status(); status.State != StateOff || status.ConnectedSince != nil {
		t.Errorf("status after the end %+v", status)
	}
}

func TestBacklogInChunks(t *testing.T) {
	t.Parallel()
	nodes, want := sample(20)
	s, cfg := enrolled(t, nodes...)
	s.ChunkSize = 1
	address, _ := serve(t, s)
	cfg.Endpoints = endpointsAt(address)
	_, r, _ := watch(t, cfg)
	r.awaitCall(t, "complete", 1)
	if n := r.count("set 1"); n != 22 || !maps.Equal(r.addresses(), want) {
		t.Errorf("%d chunks with %d nodes, want 22", n, len(r.addresses()))
	}
}

// One message is far above the limit that gRPC has by default.
func TestLargeMessage(t *testing.T) {
	t.Parallel()
	const n = 100_000
	nodes := make([]memory.Node, n)
	for i := range nodes {
		nodes[i] = memory.Node{ID: nodeID(i), Address: "2001:db8::1"}
	}
	s, cfg := enrolled(t, nodes...)
	s.ChunkSize = 32 << 20
	address, _ := serve(t, s)
	cfg.Endpoints = endpointsAt(address)
	_, r, _ := watch(t, cfg)
	r.awaitCall(t, "complete", 1)
	if len(r.addresses()) != n || r.count(fmt.Sprint("set ", maxPiece)) != n/maxPiece {
		t.Errorf("got %s", r.story())
	}
}

// Older curators do not report which one leads, so they are tried one by one.
func TestEndpointsInTurn(t *testing.T) {
	t.Parallel()
	nodes, want := sample(2)
	first, cfg := enrolled(t, nodes...)
	second := &memory.Server{Directory: first.Directory, Credentials: first.Credentials, Prefix: prefix}
	first.Behave(memory.Behaviour{Follower: true, NoLeaderStream: true})
	second.Behave(memory.Behaviour{NoLeaderStream: true})
	firstAddress, _ := serve(t, first)
	secondAddress, stopSecond := serve(t, second)
	cfg.Endpoints = endpointsAt(closedPort(t), firstAddress, secondAddress)
	w, r, _ := watch(t, cfg)

	r.awaitNodes(t, want)
	status := awaitState(t, w, StateConnected)
	if status.Endpoint != secondAddress || status.Attempts != 3 || status.Failures != 2 {
		t.Errorf("status %+v, want the third endpoint at the third attempt", status)
	}

	// The leader dies and the follower takes over.
	stopSecond()
	first.Behave(memory.Behaviour{NoLeaderStream: true})
	r.awaitCall(t, "complete", 2)
	if status := awaitState(t, w, StateConnected); status.Endpoint != firstAddress {
		t.Errorf("connected to %s, want %s", status.Endpoint, firstAddress)
	}
}

// closedPort returns an address at which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestNoCuratorServes(t *testing.T) {
	t.Parallel()
	follower, cfg := enrolled(t)
	follower.Behave(memory.Behaviour{Follower: true})
	address, _ := serve(t, follower)
	closed := closedPort(t)
	var log logbook
	cfg.Endpoints, cfg.Logger = endpointsAt(address, closed), log.Logger()
	w, r, _ := watch(t, cfg)

	status := awaitStatus(t, w, "the third round", func(s Status) bool { return s.Attempts > 4 && s.State == StateBackingOff })
	if strings.Contains(status.Detail, "\n") {
		t.Errorf("detail %q has more than one line", status.Detail)
	}
	for _, part := range []string{address + ": not the leader", closed + ": dial tcp " + closed + ": connect: connection refused", "next attempt in"} {
		if !strings.Contains(status.Detail, part) {
			t.Errorf("detail %q does not say %q", status.Detail, part)
		}
	}
	if r.story() != "cluster" {
		t.Errorf("got %q", r.story())
	}
	if lines := strings.Count(log.String(), "no connection to a curator"); lines != 2 {
		t.Errorf("%d lines for two kinds of failure:\n%s", lines, &log)
	}
}

func TestReconnects(t *testing.T) {
	t.Parallel()
	nodes, want := sample(3)
	s, cfg := enrolled(t, nodes...)
	address, stop := serve(t, s)
	cfg.Endpoints = endpointsAt(address)
	w, r, _ := watch(t, cfg)
	r.awaitCall(t, "complete", 1)

	stop()
	r.awaitCall(t, "connected false", 1)
	awaitState(t, w, StateBackingOff)
	s.Directory.Remove(nodes[0].ID)
	serve(t, s, address)
	r.awaitCall(t, "complete", 2)
	// What was deleted meanwhile is for the zone to notice by its absence.
	if r.count("begin") != 2 || r.count("set 4") != 1 || !maps.Equal(r.addresses(), want) {
		t.Errorf("got %s", r.story())
	}

	s.Drop()
	r.awaitCall(t, "complete", 3)
}

func TestPartialBacklog(t *testing.T) {
	t.Parallel()
	nodes, want := sample(5)
	s, cfg := enrolled(t, nodes...)
	s.Behave(memory.Behaviour{Cut: 4}) // the curator's, our own, and two
	address, _ := serve(t, s)
	cfg.Endpoints = endpointsAt(address)
	_, r, _ := watch(t, cfg)
	r.awaitCall(t, "connected false", 2)
	if r.count("complete") != 0 || len(r.addresses()) != 2 {
		t.Errorf("got %s", r.story())
	}
	s.Behave(memory.Behaviour{})
	r.awaitCall(t, "complete", 1)
	r.awaitNodes(t, want)
}

func TestOlderCurator(t *testing.T) {
	t.Parallel()
	nodes, want := sample(2)
	s, cfg := enrolled(t, nodes...)
	s.Behave(memory.Behaviour{NoMarker: true})
	address, _ := serve(t, s)
	cfg.Endpoints = endpointsAt(address)
	w, r, _ := watch(t, cfg)
	r.awaitCall(t, "settle", 1)
	if status := awaitState(t, w, StateConnected); !strings.Contains(status.Detail, "tombstone") {
		t.Errorf("detail %q", status.Detail)
	}
	s.Directory.Remove(nodes[0].ID)
	delete(want, nodes[0].ID)
	r.awaitNodes(t, want)
	if r.count("complete") != 0 {
		t.Errorf("got %s", r.story())
	}
}

func TestUndecodableMessage(t *testing.T) {
	t.Parallel()
	nodes, want := sample(1)
	s, cfg := enrolled(t, nodes...)
	// A good event, then a length that nothing follows.
	good := event(t, &curatorpb.WatchEvent{Nodes: []*curatorpb.Node{listing(s)}})
	s.Behave(memory.Behaviour{Raw: [][]byte{good, {0x0a, 0xff}}})
	address, _ := serve(t, s)
	cfg.Endpoints = endpointsAt(address)
	w, r, _ := watch(t, cfg)
	r.awaitCall(t, "connected false", 2)
	status := awaitState(t, w, StateBackingOff)
	if !strings.Contains(status.Detail, "unmarshal") {
		t.Errorf("detail %q", status.Detail)
	}
	s.Behave(memory.Behaviour{})
	r.awaitNodes(t, want)
}

func TestWrongServerCertificate(t *testing.T) {
	t.Parallel()
	for rule, change := range map[nodetls.Rule]func(*x509.Certificate){
		nodetls.RuleUsage:   func(c *x509.Certificate) { c.ExtKeyUsage = nil },
		nodetls.RuleName:    func(c *x509.Certificate) { c.Subject.CommonName = nodeID(1) },
		nodetls.RuleDNSName: func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "more.example") },
		nodetls.RuleLeaf:    func(c *x509.Certificate) { c.IsCA = true },
		nodetls.RuleSigned:  nil, // the server of another cluster
	} {
		t.Run(string(rule), func(t *testing.T) {
			t.Parallel()
			cluster, me := newCluster(t), newMember(t)
			me.enrol(t, cluster)
			s := newServer(t, newCluster(t))
			if change != nil {
				s = newServer(t, cluster, me.node())
				pub := s.Credentials.Certificate.Leaf.PublicKey.(ed25519.PublicKey)
				der, err := cluster.Issue(pub, change)
				must(t, err)
				s.Credentials = showing(s.Credentials, der)
			}
			address, _ := serve(t, s)
			w, r, _ := watch(t, Config{Endpoints: endpointsAt(address), Credentials: me.dir})
			status := awaitState(t, w, StateRefused)
			if !strings.Contains(status.Detail, string(rule)) {
				t.Errorf("detail %q does not name the rule %q", status.Detail, rule)
			}
			if r.story() != "cluster" {
				t.Errorf("got %q", r.story())
			}
		})
	}
}

// Curators check our certificate at each call. A proxy before one may do so in
// the handshake.
func TestCuratorRefusesOurCertificate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		serve func(s *memory.Server) string
		says  string
	}{
		"at the call": {
			func(s *memory.Server) string { address, _ := serve(t, s); return address },
			"it refuses this node (Unauthenticated: client certificate refused",
		},
		"in the handshake": {
			func(s *memory.Server) string { return serveStrictly(t, s.Credentials.ServerConfig(s.Prefix)) },
			"it refuses this node's certificate",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, cfg := enrolled(t)
			s.Prefix = "another-"
			cfg.Endpoints = endpointsAt(test.serve(s))
			w, _, _ := watch(t, cfg)
			status := awaitState(t, w, StateRefused)
			if !strings.Contains(status.Detail, test.says) {
				t.Errorf("detail %q does not say %q", status.Detail, test.says)
			}
		})
	}
}

// serveStrictly serves nothing, to clients of this configuration only.
func serveStrictly(t *testing.T, config *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)))
	background(t, func(ctx context.Context) error {
		defer context.AfterFunc(ctx, server.Stop)()
		return server.Serve(l)
	})
	return l.Addr().String()
}

func TestDatesAreReportedOnly(t *testing.T) {
	t.Parallel()
	cluster, me := newCluster(t), newMember(t)
	me.enrol(t, cluster)
	s := newServer(t, cluster, me.node())
	pub := s.Credentials.Certificate.Leaf.PublicKey.(ed25519.PublicKey)
	der, err := cluster.Issue(pub, func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Hour) })
	must(t, err)
	s.Credentials = showing(s.Credentials, der)
	address, _ := serve(t, s)
	var log logbook
	w, r, _ := watch(t, Config{Endpoints: endpointsAt(address), Credentials: me.dir, Logger: log.Logger()})
	r.awaitCall(t, "complete", 1)
	want := "the certificate of the curator " + address + " expired at 2000-01-01T01:00:00Z"
	if status := w.Status(); len(status.Remarks) != 1 || !strings.HasPrefix(status.Remarks[0], want) {
		t.Errorf("remarks %q, want %q", status.Remarks, want)
	}
	s.Drop()
	r.awaitCall(t, "complete", 2)
	if n := strings.Count(log.String(), "expired at"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, &log)
	}
}

// An endpoint that is a node is found by its addresses, the dead one first.
func TestNodeEndpoint(t *testing.T) {
	t.Parallel()
	nodes, want := sample(1)
	s, cfg := enrolled(t, nodes...)
	address, _ := serve(t, s)
	port := address[strings.LastIndex(address, ":"):]
	cfg.Endpoints = endpointsAt(strings.ToUpper(s.NodeID()) + port)
	cfg.Resolve = func(id zone.ID) []netip.Addr {
		if string(id) != s.NodeID() {
			t.Errorf("asked for %s", id)
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")}
	}
	w, r, _ := watch(t, cfg)
	r.awaitNodes(t, want)
	if status := w.Status(); status.Endpoint != s.NodeID()+port {
		t.Errorf("endpoint %s", status.Endpoint)
	}
}

func TestPlainTextOnLoopback(t *testing.T) {
	t.Parallel()
	nodes, want := sample(2)
	address, _ := serve(t, newServer(t, nil, nodes...))
	_, r, _ := watch(t, Config{Endpoints: endpointsAt(address), Insecure: true})
	r.awaitNodes(t, want)
	if r.count("cluster") != 0 {
		t.Error("named a cluster that it cannot know")
	}
}

func TestSetEndpoints(t *testing.T) {
	t.Parallel()
	nodes, want := sample(1)
	address, _ := serve(t, newServer(t, nil, nodes...))
	w, r, _ := watch(t, Config{Insecure: true})
	if status := awaitStatus(t, w, "running", func(s Status) bool { return s.Detail != "not running" }); status.State != StateOff {
		t.Errorf("status %+v without endpoints", status)
	}
	must(t, w.SetEndpoints(endpointsAt(address)))
	r.awaitNodes(t, want)
	must(t, w.SetEndpoints(endpointsAt(address))) // no change
	if got := w.Endpoints(); len(got) != 1 || got[0].String() != address {
		t.Errorf("endpoints %q, want %q", got, address)
	}
	must(t, w.SetEndpoints(nil))
	r.awaitCall(t, "connected false", 1)
	awaitState(t, w, StateOff)
	if r.count("begin") != 1 {
		t.Errorf("got %s", r.story())
	}
	if err := w.SetEndpoints(endpointsAt("nonsense")); err == nil {
		t.Error("nonsense is accepted")
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	w, _, stop := watch(t, Config{})
	awaitStatus(t, w, "running", func(s Status) bool { return s.Detail != "not running" })
	if err := w.Run(t.Context()); !errors.Is(err, ErrRunning) {
		t.Errorf("a second Run returned %v", err)
	}
	stop()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Run(ended); err != nil {
		t.Errorf("Run again returned %v", err)
	}
	if _, err := New(Config{Endpoints: endpointsAt("nonsense")}, newRecorder()); err == nil {
		t.Error("New accepts nonsense")
	}
}
