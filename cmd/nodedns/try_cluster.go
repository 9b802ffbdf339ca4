package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// The addresses of the sample nodes are reserved for examples (RFC 5737).
const (
	ownAddress     = "192.0.2.10"
	curatorAddress = "192.0.2.11"
	moverAddress   = "192.0.2.12"
	moverElsewhere = "192.0.2.112"
	guestAddress   = "192.0.2.15"
)

// The names of the sample nodes are what the cluster calls them, and below a local
// domain too. It is reserved for examples (RFC 6761).
const (
	sampleDomain = "nodes.example"
	ownName      = "web-1"
	moverName    = "web-2"
	guestName    = "web-3"
)

// sampleCluster is a cluster with a curator and this machine in it.
type sampleCluster struct {
	authority *memory.Cluster
	curator   *memory.Server
	own       zone.ID

	mover memory.Node // changes its address now and then
	guest memory.Node // joins, leaves and comes back
}

// newSampleCluster makes a cluster, and writes this machine's credentials in it
// to a directory.
func newSampleCluster(credentials string) (*sampleCluster, error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	authority, err := memory.NewCluster(zone.DefaultPrefix)
	if err != nil {
		return nil, err
	}
	if err := authority.WriteCredentials(credentials, pub, key); err != nil {
		return nil, err
	}
	c := &sampleCluster{authority: authority, own: zone.DefaultPrefix.FromPublicKey(pub)}
	return c, c.populate()
}

// populate gives the cluster its first nodes.
func (c *sampleCluster) populate() error {
	nodes := make([]*nodetls.Credentials, 5)
	for i := range nodes {
		node, err := c.authority.NewNode()
		if err != nil {
			return err
		}
		nodes[i] = node
	}
	sample := func(i int, name, address string) memory.Node {
		return memory.Node{
			ID: string(nodes[i].ID), Address: address, Roles: zone.KubernetesWorker, State: zone.StateUp, Labels: memory.Named(name),
		}
	}
	directory := &memory.Directory{}
	c.curator = &memory.Server{Directory: directory, Credentials: nodes[0], Prefix: zone.DefaultPrefix}
	c.mover, c.guest = sample(1, moverName, moverAddress), sample(4, guestName, guestAddress)
	directory.Set(
		memory.Node{ID: string(c.own), Address: ownAddress, State: zone.StateUp, Labels: memory.Named(ownName)},
		memory.Node{
			ID: string(nodes[0].ID), Address: curatorAddress,
			Roles: zone.ConsensusMember, State: zone.StateUp, CuratorPort: curator.DefaultPort, Labels: memory.Named("control-1"),
		},
		c.mover,
		sample(2, "db-1", "192.0.2.13"),
		sample(3, "db-2", "192.0.2.14"),
	)
	return nil
}

// runScenario makes changes to the cluster until ctx ends.
func (c *sampleCluster) runScenario(ctx context.Context, pace time.Duration) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	directory := c.curator.Directory
	move := func(address string) {
		c.mover.Address = address
		directory.Set(c.mover)
	}
	// The same nodes again and again, so that the cluster does not grow.
	scenario := []func(){
		func() { directory.Set(c.guest) },
		func() { move(moverElsewhere) },
		func() { directory.Remove(c.guest.ID) },
		func() { move(moverAddress) },
	}
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			scenario[i%len(scenario)]()
		}
	}
}
