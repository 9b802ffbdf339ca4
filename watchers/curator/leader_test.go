package curator

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// plane is a control plane: curators that share a directory. The first one
// leads.
type plane struct {
	t         *testing.T
	cluster   *memory.Cluster
	directory *memory.Directory
	servers   []*memory.Server
	addresses []string
	stops     []func()
	network   *network             // nil: TCP on loopback
	own       *nodetls.Credentials // of the node, where they are in no directory
}

// newPlane serves n curators, and makes the configuration of a node of their
// cluster that knows none of them.
func newPlane(t *testing.T, n int, nodes ...memory.Node) (*plane, Config) {
	t.Helper()
	cluster, me := newCluster(t), newMember(t)
	me.enrol(t, cluster)
	p := &plane{t: t, cluster: cluster}
	p.start(n, append(nodes, me.node()))
	return p, Config{Credentials: me.dir, LocalID: me.id, Resolve: p.resolve, Port: p.port}
}

// newPlaneInMemory is newPlane for a bubble of testing/synctest. Its watcher takes
// the option p.use.
func newPlaneInMemory(t *testing.T, n int, nodes ...memory.Node) (*plane, Config) {
	t.Helper()
	p := &plane{t: t, cluster: newCluster(t), network: &network{}}
	var err error
	p.own, err = p.cluster.NewNode()
	must(t, err)
	id := nodetls.PeerID(p.own.Certificate.Leaf, prefix)
	p.start(n, append(nodes, memory.Node{ID: string(id)}))
	return p, Config{LocalID: id, Resolve: p.resolve, Port: p.port}
}

// use has a watcher connect over the plane's network.
func (p *plane) use(w *Watcher) {
	p.network.use(w)
	w.setCredentials(p.own, nil)
}

func (p *plane) resolve(zone.ID) []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} }

// serve serves a curator at an address, or at a free one if that is empty.
func (p *plane) serve(s *memory.Server, address string) (string, func()) {
	if p.network == nil {
		if address == "" {
			return serve(p.t, s)
		}
		return serve(p.t, s, address)
	}
	if address == "" {
		address = fmt.Sprintf("127.0.0.1:%d", 1000+len(p.servers))
	}
	return address, p.network.serve(p.t, s, address)
}

// start serves n curators of a directory, the first of which leads.
func (p *plane) start(n int, nodes []memory.Node) {
	t, cluster := p.t, p.cluster
	p.directory = &memory.Directory{}
	p.directory.Set(nodes...)
	for range n {
		own, err := cluster.NewNode()
		must(t, err)
		s := &memory.Server{Directory: p.directory, Prefix: prefix, Credentials: own, Restart: restart}
		address, stop := p.serve(s, "")
		_, port, err := net.SplitHostPort(address)
		must(t, err)
		s.Join("", number(t, port))
		p.servers, p.addresses, p.stops = append(p.servers, s), append(p.addresses, address), append(p.stops, stop)
	}
	p.elect(0)
}

// elect makes one curator the leader, and has the others name it.
func (p *plane) elect(leader int) {
	p.servers[leader].Behave(memory.Behaviour{})
	for i, s := range p.servers {
		if i != leader {
			s.SetLeader(p.named(leader))
			s.Behave(memory.Behaviour{Follower: true})
		}
	}
}

func (p *plane) named(leader int) memory.Leader {
	host, port, err := net.SplitHostPort(p.addresses[leader])
	must(p.t, err)
	return memory.Leader{ID: p.servers[leader].NodeID(), Host: host, Port: number(p.t, port)}
}

func (p *plane) kill(i int) { p.stops[i]() }

func (p *plane) revive(i int) {
	p.t.Helper()
	_, p.stops[i] = p.serve(p.servers[i], p.addresses[i])
}

// port is where the curator of a node listens, as the node's status has it.
func (p *plane) port(id zone.ID) uint16 {
	for i, s := range p.servers {
		if s.NodeID() == string(id) {
			_, port, err := net.SplitHostPort(p.addresses[i])
			must(p.t, err)
			return number(p.t, port)
		}
	}
	return 0
}

func number(t *testing.T, text string) uint16 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 16)
	must(t, err)
	return uint16(n)
}

// awaitLeader returns when the stream comes from a curator and is complete.
func (p *plane) awaitLeader(w *Watcher, leader int) Status {
	p.t.Helper()
	return awaitStatus(p.t, w, fmt.Sprint("curator ", leader), func(s Status) bool {
		return s.State == StateConnected && string(w.currentCurator().id) == p.servers[leader].NodeID()
	})
}

// One follower is known. It reports where the leader is, and where the next one.
func TestFollowerReportsTheLeader(t *testing.T) {
	t.Parallel()
	nodes, want := sample(3)
	p, cfg := newPlane(t, 3, nodes...)
	cfg.Endpoints = endpointsAt(p.addresses[1])
	w, r, _ := watch(t, cfg)
	status := p.awaitLeader(w, 0)
	if string(status.Leader) != p.servers[0].NodeID() || status.Endpoint != p.addresses[0] {
		t.Errorf("status %+v", status)
	}
	r.awaitNodes(t, want)

	p.elect(2)
	p.awaitLeader(w, 2)
	awaitStatus(t, w, "what the follower says", func(s Status) bool {
		return slices.Contains(s.Curators, LeaderReport{
			Endpoint: p.addresses[1], ID: zone.ID(p.servers[1].NodeID()), Leader: zone.ID(p.servers[2].NodeID()),
		})
	})
	// The endpoint itself becomes the leader.
	p.elect(1)
	p.awaitLeader(w, 1)
	if r.count("connected true") != r.count("connected false")+1 {
		t.Errorf("got %s", r.story())
	}
}

// The leader goes over to another one without ending its streams: what the others
// report is enough to leave it.
func TestMovesFromASilentLeader(t *testing.T) {
	t.Parallel()
	p, cfg := newPlane(t, 3)
	cfg.Endpoints = endpointsAt(p.addresses...)
	w, _, _ := watch(t, cfg)
	p.awaitLeader(w, 0)
	awaitStatus(t, w, "all voices", func(s Status) bool { return len(s.Curators) == 3 })

	// Two claim to lead and the third names the new one.
	p.servers[1].Behave(memory.Behaviour{})
	p.servers[2].SetLeader(p.named(1))
	status := p.awaitLeader(w, 1)
	if status.Failovers == 0 {
		t.Errorf("status %+v", status)
	}
	testkit.EventuallyTrue(t, "no stream is left at the old leader", func() bool { return p.servers[0].Streams() == 0 })

	// With no third curator to decide the present one stays.
	p.kill(2)
	awaitStatus(t, w, "the loss of a voice", func(s Status) bool {
		return slices.ContainsFunc(s.Curators, func(c LeaderReport) bool { return c.Endpoint == p.addresses[2] && c.Error != "" })
	})
	if status := p.awaitLeader(w, 1); string(status.Leader) != p.servers[1].NodeID() {
		t.Errorf("leader %s, want the present one to stay", status.Leader)
	}
}

// The leader is killed and another one elected.
func TestLeaderKilled(t *testing.T) {
	t.Parallel()
	nodes, want := sample(3)
	p, cfg := newPlane(t, 3, nodes...)
	cfg.Endpoints = endpointsAt(p.addresses...)
	w, r, _ := watch(t, cfg)
	p.awaitLeader(w, 0)
	p.kill(0)
	awaitStatus(t, w, "the loss", func(s Status) bool { return s.State == StateBackingOff || s.State == StateConnecting })
	nodes[0].Address = "192.0.2.77"
	p.directory.Set(nodes[0])
	want[nodes[0].ID] = nodes[0].Address
	p.elect(1)
	r.awaitNodes(t, want)
	p.awaitLeader(w, 1)
}

// However long an election takes, and whichever curator wins, also the one tried
// last: the new leader is followed at once.
func TestLongElection(t *testing.T) {
	t.Parallel()
	for elected := range 3 {
		t.Run(fmt.Sprint(elected), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, cfg := newPlaneInMemory(t, 3)
				cfg.Endpoints = endpointsAt(p.addresses...)
				w, _, _ := watch(t, cfg, p.use)
				p.awaitLeader(w, 0)
				for _, s := range p.servers {
					s.SetLeader(memory.Leader{})
					s.Behave(memory.Behaviour{Follower: true})
				}
				// By then the pauses between two rounds are longer than that.
				const within = 5 * time.Second
				time.Sleep(time.Minute)
				awaitStatus(t, w, "such a pause", func(s Status) bool { return s.State == StateBackingOff })
				began := time.Now()
				p.elect(elected)
				p.awaitLeader(w, elected)
				if took := time.Since(began); took > within {
					t.Errorf("followed %v after the election, want at most %v", took, within)
				}
			})
		})
	}
}

// Further curators are learnt from the consensus members of the backlog, and
// their ports from the nodes. With them the configured one may go.
func TestLearnsCurators(t *testing.T) {
	t.Parallel()
	p, cfg := newPlane(t, 3)
	cfg.Endpoints = endpointsAt(p.addresses[:1]...)
	w, _, _ := watch(t, cfg)
	p.awaitLeader(w, 0)
	status := awaitStatus(t, w, "all curators", func(s Status) bool {
		return len(s.Curators) == 3 && !slices.ContainsFunc(s.Curators, func(c LeaderReport) bool { return c.Leader == "" })
	})
	if strings.Contains(fmt.Sprint(status.Curators), p.servers[0].NodeID()+":") {
		t.Errorf("the first one is listened to twice: %+v", status.Curators)
	}
	p.kill(0)
	p.elect(2)
	p.awaitLeader(w, 2)

	many := make([]memory.Node, 2*maxCurators)
	for i := range many {
		many[i] = memory.Node{ID: nodeID(i), Roles: zone.ConsensusMember}
	}
	p.directory.Set(many...)
	awaitStatus(t, w, "as many as are listened to", func(s Status) bool { return len(s.Curators) == maxCurators })
	p.awaitLeader(w, 2)
}

// Curators that keep naming new leaders cannot keep us from all of them: a change
// of leader is followed by a pause.
func TestLeadersInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		nodes, want := sample(2)
		p, cfg := newPlaneInMemory(t, 2, nodes...)
		cfg.Endpoints = endpointsAt(p.addresses...)
		w, r, _ := watch(t, cfg, p.use)
		p.awaitLeader(w, 0)
		stop := background(t, func(ctx context.Context) error {
			for i := 0; ctx.Err() == nil; i++ {
				p.elect(i % 2)
				retry.Sleep(ctx, leaderReportInterval/2)
			}
			return nil
		})
		time.Sleep(time.Minute)
		if n := w.Status().Attempts; n < 5 || n > 480 {
			t.Errorf("%d attempts in a minute of 6000 elections, want at most two after each pause of 250 ms", n)
		}
		stop()
		p.elect(0)
		p.awaitLeader(w, 0)
		r.awaitNodes(t, want)
	})
}

// After any sequence of failures the nodes are those of the directory.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	nodes, _ := sample(8)
	p, cfg := newPlane(t, 3, nodes...)
	cfg.Endpoints = endpointsAt(p.addresses...)
	store, err := zone.NewStore(zone.Config{Local: cfg.LocalID})
	must(t, err)
	cfg.Prefix = prefix
	w, err := New(cfg, store.Source("curator"))
	must(t, err)
	background(t, w.Run)
	leader := 0
	for range 30 {
		node := nodes[random.IntN(len(nodes))]
		node.Address = fmt.Sprintf("192.0.2.%d", 1+random.IntN(250))
		switch random.IntN(5) {
		case 0:
			p.directory.Remove(node.ID)
		case 1:
			next := (leader + 1 + random.IntN(2)) % 3
			p.kill(leader)
			p.elect(next)
			p.revive(leader)
			leader = next
		case 2:
			p.servers[random.IntN(3)].Drop()
		default:
			p.directory.Set(node)
		}
		time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
	}
	want := map[string]string{}
	for _, node := range p.directory.Nodes() {
		want[node.ID] = fmt.Sprintf("[%s]", node.Address)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got := map[string]string{}
	for snapshot := range store.Watch(ctx) {
		clear(got)
		for n := range snapshot.All() {
			if !n.Departed() {
				got[string(n.ID())] = fmt.Sprint(slices.Collect(n.Addrs()))
			}
		}
		if maps.Equal(got, want) {
			return
		}
	}
	t.Errorf("the zone has %v, and the directory %v; status %+v", got, want, w.Status())
}
