package nodedns

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/resolver/dnsclient"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

var (
	modelFor  = flag.Duration("model.for", 5*time.Second, "how long TestModel goes on")
	modelSeed = flag.Uint64("model.seed", 0, "seed of TestModel; 0: a new one")
)

// convergence is when nodes that have not agreed after the last fault count as
// never agreeing. A partition takes 15 s to be noticed, a pause 10 s.
const convergence = 2 * time.Minute

// TestModel lets random things happen to a cluster and to all that can fail on
// the way to it. At the end each node's zone is the curators' directory; and at
// no moment did a node's own name fail.
//
//	go test -run '^TestModel$' . -model.for 1h -model.seed 7
func TestModel(t *testing.T) {
	if testing.Short() {
		t.Skip("goes on for seconds: not with -short")
	}
	seed := *modelSeed
	if seed == 0 {
		seed = mathrand.Uint64()
	}
	t.Logf("to see this again: -model.seed %d", seed)
	m := newModel(t, seed)
	steps := 0
	for end := time.Now().Add(*modelFor); time.Now().Before(end) && !t.Failed(); steps++ {
		m.step()
		time.Sleep(time.Duration(m.random.IntN(40)) * time.Millisecond)
	}
	t.Logf("%d steps", steps)
	m.heal()
	for _, n := range m.nodes {
		n.agrees(m.directory)
		c := n.service.Status().Curator.Counters
		t.Logf("%s since its last restart: %d connections, %d failures, %d moves, %d events", n.service.ID(), c.Connects, c.Failures, c.Failovers, c.Events)
	}
}

// model is a cluster of real parts, and what goes wrong with them.
type model struct {
	t         *testing.T
	random    *mathrand.Rand
	cluster   *memory.Cluster
	foreign   *memory.Cluster // another one
	directory *memory.Directory
	curators  []*modelCurator
	nodes     []*modelNode
	stepped   atomic.Int64 // the wall clock is ahead by, in seconds
}

// modelCurator is one curator behind a gate.
type modelCurator struct {
	*memory.Server
	*gate
	address string
	stop    func() // nil while it is dead
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{
		t: t, random: mathrand.New(mathrand.NewPCG(seed, 0)), directory: &memory.Directory{},
		cluster: newAuthority(t), foreign: newAuthority(t),
	}
	for range 3 {
		own, err := m.cluster.NewNode()
		if err != nil {
			t.Fatal(err)
		}
		c := &modelCurator{Server: &memory.Server{
			Directory: m.directory, Credentials: own, Prefix: zone.DefaultPrefix, Restart: 50 * time.Millisecond,
		}}
		c.Join("", 0)
		c.revive(t)
		c.gate = newGate(t, c.address)
		t.Cleanup(c.kill)
		m.curators = append(m.curators, c)
	}
	m.elect(0)
	for i := range 3 {
		m.nodes = append(m.nodes, m.newNode(i))
	}
	return m
}

func newAuthority(t *testing.T) *memory.Cluster {
	t.Helper()
	c, err := memory.NewCluster(zone.DefaultPrefix)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *modelCurator) kill() {
	if c.stop != nil {
		c.stop()
		c.stop = nil
	}
}

func (c *modelCurator) revive(t *testing.T) {
	t.Helper()
	if c.stop != nil {
		return
	}
	if c.address == "" {
		c.address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", c.address)
	if err != nil {
		t.Fatal(err)
	}
	c.address = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := c.Serve(ctx, l); err != nil {
			t.Error(err)
		}
	})
	c.stop = func() { cancel(); serving.Wait() }
}

// elect makes one curator the leader. The others name it, or a wrong one for a
// while.
func (m *model) elect(leader int) {
	for i, c := range m.curators {
		if i == leader {
			c.Behave(memory.Behaviour{})
			continue
		}
		host, port, _ := strings.Cut(m.curators[leader].address, ":")
		if gate := m.curators[leader].gate; gate != nil {
			host, port, _ = strings.Cut(gate.listener.Addr().String(), ":")
		}
		named := memory.Leader{ID: m.curators[leader].NodeID(), Host: host}
		fmt.Sscan(port, &named.Port)
		c.SetLeader(named)
		c.Behave(memory.Behaviour{Follower: true})
	}
}

// step does one random thing.
func (m *model) step() {
	c := m.curators[m.random.IntN(len(m.curators))]
	n := m.nodes[m.random.IntN(len(m.nodes))]
	switch m.random.IntN(40) {
	case 0:
		c.kill()
	case 1, 2:
		c.revive(m.t)
	case 3:
		m.elect(m.random.IntN(len(m.curators)))
	case 4:
		c.Behave(memory.Behaviour{}) // two claim to lead
	case 5:
		c.set([]mode{hold, drop}[m.random.IntN(2)])
	case 6, 7:
		c.set(pass)
	case 8:
		c.Drop()
	case 9:
		n.spoil(m)
	case 10, 11:
		n.enrol(m.cluster)
	case 12:
		n.move(m.random)
	case 13:
		m.stepped.Store(m.random.Int64N(1<<28) - 1<<27)
	case 14:
		n.restart()
	case 15, 16:
		m.directory.Remove(m.someone().ID)
	default:
		m.directory.Set(m.someone())
	}
}

// someone is one of a few dozen nodes of the cluster, as it may be now.
func (m *model) someone() memory.Node {
	return memory.Node{
		ID:      fmt.Sprintf("metropolis-%032x", 1+m.random.IntN(50)),
		Address: fmt.Sprintf("10.9.%d.%d", m.random.IntN(3), 1+m.random.IntN(250)),
		Roles:   zone.Roles(m.random.IntN(8)), State: zone.StateUp,
	}
}

// heal ends all that goes wrong.
func (m *model) heal() {
	for _, c := range m.curators {
		c.set(pass)
		c.revive(m.t)
	}
	m.elect(m.random.IntN(len(m.curators)))
	for _, n := range m.nodes {
		n.enrol(m.cluster)
	}
}

// modelNode is a node with a service that is queried for its own name all the
// time.
type modelNode struct {
	t   *testing.T
	key ed25519.PrivateKey
	cfg Config

	mu      sync.Mutex // held while it is queried, and to change what follows
	service *Service
	end     func()
	publish chan []netip.Addr
	addr    netip.Addr
}

func (m *model) newNode(i int) *modelNode {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	dir := m.t.TempDir()
	n := &modelNode{t: m.t, key: key, addr: netip.AddrFrom4([4]byte{10, 8, byte(i), 1})}
	n.cfg = Config{
		PublicKey: key.Public().(ed25519.PublicKey), StateDir: filepath.Join(dir, "state"),
		Credentials: filepath.Join(dir, "credentials"), LocalSource: n.source,
		Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
		now:    func() time.Time { return time.Now().Add(time.Duration(m.stepped.Load()) * time.Second) },
	}
	for _, c := range m.curators {
		n.cfg.Endpoints = append(n.cfg.Endpoints, endpoints(c.listener.Addr().String())...)
	}
	n.enrol(m.cluster)
	id := zone.DefaultPrefix.FromPublicKey(n.cfg.PublicKey)
	m.directory.Set(memory.Node{ID: string(id), Address: n.addr.String(), State: zone.StateUp})
	n.start()
	m.t.Cleanup(func() { n.end() })
	background(m.t, n.ask)
	return n
}

func (n *modelNode) start() {
	n.publish = make(chan []netip.Addr, 1)
	n.publish <- []netip.Addr{n.addr}
	service, err := New(n.cfg)
	if err != nil {
		n.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := service.Run(ctx); !errors.Is(err, context.Canceled) {
			n.t.Error(err)
		}
	})
	n.service, n.end = service, func() { cancel(); running.Wait() }
	<-service.Ready()
	n.settled()
}

// settled waits until our own address is published, which has no state of its own
// between being reported and being answered.
func (n *modelNode) settled() {
	for snapshot := range n.service.Zone().Watch(context.Background()) {
		if slices.Contains(slices.Collect(snapshot.Local().Addrs()), n.addr) {
			return
		}
	}
}

func (n *modelNode) source(ctx context.Context, publish func([]netip.Addr)) error {
	for {
		select {
		case addrs := <-n.publish:
			publish(addrs)
		case <-ctx.Done():
			return nil
		}
	}
}

// ask queries the node's own name, all the time but while it is restarted.
func (n *modelNode) ask(ctx context.Context) {
	for ctx.Err() == nil {
		n.mu.Lock()
		addrs, err := dnsclient.Lookup(ctx, n.service.Resolver().Addrs()[0], string(n.service.ID()))
		if ctx.Err() == nil && (err != nil || !slices.Equal(addrs, []netip.Addr{n.addr})) {
			n.t.Errorf("our own name: %v, %v, want %s", addrs, err, n.addr)
		}
		n.mu.Unlock()
		retry.Sleep(ctx, 2*time.Millisecond)
	}
}

func (n *modelNode) move(random *mathrand.Rand) {
	n.mu.Lock()
	defer n.mu.Unlock()
	b := n.addr.As4()
	b[3] = byte(1 + random.IntN(250))
	n.addr = netip.AddrFrom4(b)
	n.publish <- []netip.Addr{n.addr}
	n.settled()
}

func (n *modelNode) restart() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.end()
	n.start()
}

func (n *modelNode) enrol(c *memory.Cluster) {
	if err := c.WriteCredentials(n.cfg.Credentials, n.key.Public().(ed25519.PublicKey), n.key); err != nil {
		n.t.Fatal(err)
	}
}

// spoil makes something of the credentials that is of no use.
func (n *modelNode) spoil(m *model) {
	path := filepath.Join(n.cfg.Credentials, nodetls.CertFile)
	switch m.random.IntN(3) {
	case 0:
		n.enrol(m.foreign)
	case 1:
		_ = os.Remove(path) // it may be gone already
	case 2:
		_ = os.Truncate(path, 100)
	}
}

// agrees waits until the live nodes of the zone are those of the directory.
func (n *modelNode) agrees(d *memory.Directory) {
	n.t.Helper()
	want, got := map[string]string{}, map[string]string{}
	for _, node := range d.Nodes() {
		if node.ID != string(n.service.ID()) {
			want[node.ID] = fmt.Sprint(node.Roles, " [", node.Address, "]")
		}
	}
	ctx, cancel := context.WithTimeout(n.t.Context(), convergence)
	defer cancel()
	for snapshot := range n.service.Zone().Watch(ctx) {
		clear(got)
		for node := range snapshot.All() {
			if !node.IsLocal() && !node.Departed() {
				got[string(node.ID())] = fmt.Sprint(node.Roles(), " ", slices.Collect(node.Addrs()))
			}
		}
		if snapshot.Cluster().Connected && maps.Equal(got, want) {
			return
		}
	}
	n.t.Errorf("%s has %v\nand the directory %v\nstatus %+v", n.service.ID(), got, want, n.service.Status().Curator)
}
