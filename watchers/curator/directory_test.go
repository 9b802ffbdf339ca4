package curator

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
)

func TestCredentialsAppear(t *testing.T) {
	t.Parallel()
	nodes, want := sample(2)
	cluster, me := newCluster(t), newMember(t)
	me.dir = filepath.Join(me.dir, "not", "there", "yet")
	address, _ := serve(t, newServer(t, cluster, append(nodes, me.node())...))
	w, r, _ := watch(t, Config{Endpoints: endpointsAt(address), Credentials: me.dir, LocalID: me.id})
	status := awaitState(t, w, StateAwaitingCredentials)
	if !strings.Contains(status.Detail, me.dir) {
		t.Errorf("detail %q does not name the directory", status.Detail)
	}

	must(t, cluster.WriteCredentials(me.dir, me.key.Public().(ed25519.PublicKey), nil))
	awaitStatus(t, w, "the missing key", func(s Status) bool {
		return s.State == StateAwaitingCredentials && strings.Contains(s.Detail, "no node.key")
	})
	me.enrol(t, cluster)
	r.awaitNodes(t, want)
}

func TestCredentialsVanishAndReturn(t *testing.T) {
	t.Parallel()
	nodes, want := sample(2)
	s, cfg := enrolled(t, nodes...)
	address, _ := serve(t, s)
	cfg.Endpoints = endpointsAt(address)
	w, r, _ := watch(t, cfg)
	r.awaitCall(t, "complete", 1)

	aside := cfg.Credentials + ".aside"
	must(t, os.Rename(cfg.Credentials, aside))
	r.awaitCall(t, "connected false", 1)
	awaitState(t, w, StateAwaitingCredentials)
	if !maps.Equal(r.addresses(), want) {
		t.Error("nodes were lost with the credentials")
	}
	must(t, os.Rename(aside, cfg.Credentials))
	r.awaitCall(t, "complete", 2)

	// Writing the same again is no change.
	path := filepath.Join(cfg.Credentials, nodetls.CertFile)
	data, err := os.ReadFile(path)
	must(t, err)
	must(t, os.Remove(path))
	awaitState(t, w, StateAwaitingCredentials)
	must(t, os.WriteFile(path, data[:len(data)/2], 0o600))
	status := awaitState(t, w, StateBadCredentials)
	if !strings.Contains(status.Detail, path) {
		t.Errorf("detail %q does not name the half-written file", status.Detail)
	}
	must(t, os.WriteFile(path, data, 0o600))
	r.awaitCall(t, "complete", 3)
}

func TestCredentialsRotate(t *testing.T) {
	t.Parallel()
	cluster, me := newCluster(t), newMember(t)
	me.enrol(t, cluster)
	address, _ := serve(t, newServer(t, cluster, me.node()))
	w, r, _ := watch(t, Config{Endpoints: endpointsAt(address), Credentials: me.dir, LocalID: me.id})
	r.awaitCall(t, "complete", 1)

	expired := func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Hour) }
	der, err := cluster.Issue(me.key.Public().(ed25519.PublicKey), expired)
	must(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	must(t, os.WriteFile(filepath.Join(me.dir, nodetls.CertFile), text, 0o600))
	r.awaitCall(t, "complete", 2)
	status := awaitState(t, w, StateConnected)
	if len(status.Remarks) != 1 || !strings.Contains(status.Remarks[0], "this node expired") {
		t.Errorf("remarks %q, want one about the new certificate", status.Remarks)
	}
	past := func(c Certificate) bool { return c.Of == "node" && c.NotAfter.Before(time.Now()) }
	if len(status.Certificates) < 2 || !slices.ContainsFunc(status.Certificates, past) {
		t.Errorf("certificates %v, want the cluster's, and this node's that has expired", status.Certificates)
	}
	if status.Failures != 0 {
		t.Errorf("the rotation counts as %d failures", status.Failures)
	}
}

func TestCredentialsOfAnotherCluster(t *testing.T) {
	t.Parallel()
	me := newMember(t)
	var endpoints []string
	var clusters []*memory.Cluster
	for i := range 2 {
		cluster := newCluster(t)
		s := newServer(t, cluster, me.node(), memory.Node{ID: nodeID(i), Address: "192.0.2.1"})
		address, _ := serve(t, s)
		clusters, endpoints = append(clusters, cluster), append(endpoints, address)
	}
	me.enrol(t, clusters[0])
	_, r, _ := watch(t, Config{Endpoints: endpointsAt(endpoints...), Credentials: me.dir, LocalID: me.id})
	r.awaitCall(t, "complete", 1)
	first := r.cluster
	me.enrol(t, clusters[1])
	r.awaitCall(t, "complete", 2)
	if r.cluster == first || r.addresses()[nodeID(1)] == "" {
		t.Errorf("cluster %s, nodes %v after: %s", r.cluster, r.addresses(), r.story())
	}
}

func TestCredentialsOfAnotherNode(t *testing.T) {
	t.Parallel()
	_, cfg := enrolled(t)
	cfg.LocalID, cfg.Endpoints = "metropolis-another", endpointsAt(closedPort(t))
	w, r, _ := watch(t, cfg)
	status := awaitState(t, w, StateBadCredentials)
	if !strings.Contains(status.Detail, "metropolis-another") || r.story() != "" {
		t.Errorf("detail %q, got %q", status.Detail, r.story())
	}
}
