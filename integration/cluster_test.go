package integration

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Files of a node's state directory, the daemon's defaults.
const (
	keyFile        = "/var/lib/nodedns/node.key"
	publicKeyFile  = "/var/lib/nodedns/node.pub"
	credentialsDir = "/var/lib/nodedns/credentials"
	savedFile      = "/var/lib/nodedns/saved-nodes"
)

// node is a host with the identity of a cluster's node.
type node struct {
	*host
	id     string
	daemon *daemon
}

// newNode plugs in a machine that has an identity, and neither addresses nor a
// running daemon.
func newNode(l *lan, name string) *node {
	l.t.Helper()
	h := l.join(name)
	return &node{host: h, id: h.identify()}
}

// identify gives the machine a key, and returns the node ID that follows.
func (h *host) identify() (id string) {
	h.t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	must(h.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(h.t, err)
	public, err := x509.MarshalPKIXPublicKey(pub)
	must(h.t, err)
	h.write(keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	h.write(publicKeyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})))
	return nodeID(pub)
}

func nodeID(pub ed25519.PublicKey) string { return "metropolis-" + hex.EncodeToString(pub[:16]) }

// strangerID makes the ID of a node that exists nowhere.
func strangerID(t testing.TB) string {
	t.Helper()
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	return nodeID(pub)
}

// boot starts the daemon.
func (n *node) boot() *daemon {
	n.t.Helper()
	n.daemon = n.startDaemon()
	return n.daemon
}

// awaitReady waits until the daemon of a node that has its addresses answers for
// it, and knows its cluster or that there is none.
func (n *node) awaitReady() {
	n.t.Helper()
	eventually(n.t, n.name+" is ready", func() error {
		if err := n.answers("NXDOMAIN", strangerID(n.t)); err != nil {
			return err
		}
		return n.resolves(n.id, n.v4(), n.v6())
	})
}

// configure writes the configuration: lines of TOML.
func (m *machine) configure(lines ...string) {
	m.t.Helper()
	m.write(configFile, strings.Join(lines, "\n")+"\n")
}

// noUpstream is the part of a configuration that refuses what is not ours.
const noUpstream = "[upstream]\nservers = []"

// follows is the part that names curators.
func follows(curators ...*curator) string {
	var endpoints []string
	for _, c := range curators {
		endpoints = append(endpoints, fmt.Sprintf("%q", c.endpoint()))
	}
	return "[curator]\nendpoints = [" + strings.Join(endpoints, ", ") + "]"
}

// newCurator plugs in a machine with a curator of a new cluster.
func newCurator(l *lan, name string) *curator {
	l.t.Helper()
	return startCurator(l.join(name).address(), filepath.Join(l.t.TempDir(), "authority"), 7835)
}

// enrol gives a node credentials of the curator's cluster.
func (c *curator) enrol(n *node) {
	c.t.Helper()
	c.tell("issue %s %s", n.path(credentialsDir), n.path(keyFile))
}

// cluster is a lan with a curator and nodes that know each other.
type cluster struct {
	*lan
	curator *curator
	nodes   []*node
}

// newCluster makes a cluster of that many nodes with running daemons, and waits
// until all know all. The lines are more of their configuration.
func newCluster(t testing.TB, size int, lines ...string) *cluster {
	t.Helper()
	l := newLAN(t)
	c := &cluster{lan: l, curator: newCurator(l, "curator")}
	for i := range size {
		n := newNode(l, fmt.Sprintf("node%d", i))
		n.address()
		n.configure(append([]string{follows(c.curator), noUpstream}, lines...)...)
		c.curator.enrol(n)
		c.nodes = append(c.nodes, n)
	}
	c.register(c.nodes...)
	for _, n := range c.nodes {
		n.boot()
	}
	for _, n := range c.nodes {
		eventually(t, n.name+" knows the cluster", func() error {
			if err := n.daemon.running(); err != nil {
				return err
			}
			if err := n.connection(true); err != nil {
				return err
			}
			if err := n.counts(size+1, 0, 0); err != nil { // and the curator
				return err
			}
			if slices.Contains(lines, withoutHosts) {
				return n.resolves(n.id, n.v4(), n.v6())
			}
			return c.isKnownTo(n)
		})
	}
	return c
}

// isKnownTo fails unless a node knows itself, and has written all nodes into its
// file.
func (c *cluster) isKnownTo(n *node) error {
	for _, peer := range c.nodes {
		if peer == n {
			continue
		}
		if err := n.fileHas(peer.id, peer.v4()); err != nil {
			return err
		}
	}
	return n.knows(n.id, n.v4(), n.v6())
}

// register adds nodes to the curator.
func (c *cluster) register(nodes ...*node) {
	c.t.Helper()
	for _, n := range nodes {
		c.curator.tell("set %s %s", n.id, n.v4())
	}
}
