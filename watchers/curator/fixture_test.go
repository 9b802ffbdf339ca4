package curator

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

const prefix = zone.DefaultPrefix

// nodeID makes up the ID of the n-th sample node. It comes after those of
// curators, which are made of keys: a backlog is sorted.
func nodeID(n int) string { return fmt.Sprintf("%sffffffffffffffff%016x", prefix, n) }

// sample is n nodes with addresses, and the same as the recorder has them.
func sample(n int) (nodes []memory.Node, addresses map[string]string) {
	addresses = make(map[string]string)
	for i := range n {
		node := memory.Node{ID: nodeID(i), Address: fmt.Sprintf("192.0.2.%d", i+1), State: zone.StateUp}
		nodes = append(nodes, node)
		addresses[node.ID] = node.Address
	}
	return nodes, addresses
}

// member is our node: its key and the directory for its credentials.
type member struct {
	key ed25519.PrivateKey
	id  zone.ID
	dir string
}

func newMember(t *testing.T) member {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	pub := key.Public().(ed25519.PublicKey)
	return member{key, prefix.FromPublicKey(pub), filepath.Join(t.TempDir(), "credentials")}
}

// enrol writes credentials of the cluster.
func (m member) enrol(t *testing.T, cluster *memory.Cluster) {
	t.Helper()
	must(t, cluster.WriteCredentials(m.dir, m.key.Public().(ed25519.PublicKey), m.key))
}

// node is our node as an enrolment enters it into the cluster's.
func (m member) node() memory.Node {
	return memory.Node{ID: string(m.id), State: zone.StateNew}
}

func newCluster(t *testing.T) *memory.Cluster {
	t.Helper()
	cluster, err := memory.NewCluster(prefix)
	must(t, err)
	return cluster
}

// restart is how long the port of a curator is closed when its role changes.
const restart = 10 * time.Millisecond

// newServer is a curator of the cluster, and a node of it as any curator is; or
// a plain one for nil.
func newServer(t *testing.T, cluster *memory.Cluster, nodes ...memory.Node) *memory.Server {
	t.Helper()
	s := &memory.Server{Directory: &memory.Directory{}, Prefix: prefix, Restart: restart}
	if cluster != nil {
		own, err := cluster.NewNode()
		must(t, err)
		s.Credentials = own
		s.Join("", 0)
	}
	s.Directory.Set(nodes...)
	return s
}

// serve serves on a free port, or on the given address, until the test or the
// returned function ends it.
func serve(t *testing.T, s *memory.Server, address ...string) (string, func()) {
	t.Helper()
	l, err := net.Listen("tcp", append(address, "127.0.0.1:0")[0])
	must(t, err)
	stop := background(t, func(ctx context.Context) error { return s.Serve(ctx, l) })
	return l.Addr().String(), stop
}

// background runs f until the test or the returned function ends it.
func background(t *testing.T, f func(context.Context) error) func() {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// watch runs a watcher until the test or the returned function ends it, after
// options have changed it.
func watch(t *testing.T, cfg Config, options ...func(*Watcher)) (*Watcher, *recorder, func()) {
	t.Helper()
	cfg.Prefix = prefix
	r := newRecorder()
	r.self = string(cfg.LocalID)
	w, err := New(cfg, r)
	must(t, err)
	w.transited = func(from, to State) {
		if from != to && !follows(from, to) {
			t.Errorf("the table of states has no way from %q to %q", from, to)
		}
	}
	for _, option := range options {
		option(w)
	}
	return w, r, background(t, w.Run)
}

// awaitStatus returns the first status that is ok.
func awaitStatus(t *testing.T, w *Watcher, what string, ok func(Status) bool) Status {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		status := w.Status()
		if ok(status) {
			return status
		}
		if time.Now().After(deadline) {
			t.Fatalf("still waiting for %s, status %+v", what, status)
		}
		time.Sleep(time.Millisecond)
	}
}

func awaitState(t *testing.T, w *Watcher, want State) Status {
	t.Helper()
	return awaitStatus(t, w, string(want), func(s Status) bool { return s.State == want })
}

// logbook is a logger that can be read.
type logbook = testkit.Log

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// showing returns the credentials with another certificate for the same key.
func showing(own *nodetls.Credentials, der []byte) *nodetls.Credentials {
	changed := *own
	changed.Certificate.Certificate = [][]byte{der}
	return &changed
}
