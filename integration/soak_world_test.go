package integration

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// soak is the whole system, what is true of it, and what has been seen.
type soak struct {
	*lan
	t         testing.TB
	seed      uint64
	size      soakSize
	begun     time.Time
	curators  []*soakCurator
	led       *curator // the leader when all agreed last
	nodes     []*soakNode
	upstreams []*host // see newUpstreams
	flaky     *flaky
	guests    []*soakGuest
	pending   []string // commands for the leading curator
	seen      soakSeen
	rounds    int
	finished  bool           // all of it was carried out
	quiet     sync.WaitGroup // of the load and the watchers
	stopped   chan struct{}  // closed when they are to end
	stopping  sync.Once
	current   atomic.Pointer[string]
}

// soakCurator is a curator that may be stopped.
type soakCurator struct {
	*curator
	stopped bool
}

// soakNode is a node with a service manager of its own.
type soakNode struct {
	*node
	index   int
	system  *serviceManager
	id      *truth // by the node ID
	labels  [2]*truth
	label   int // which of them it has
	files   []*truth
	hosts   soakHosts
	process atomic.Int64 // the daemon's
	kills   soakTimes    // when it was killed: what it had read is lost
	thawed  atomic.Int64 // when it was frozen last, until then, in nanoseconds since the begin
	usage   soakUsage
}

// soakGuest is a node that is in the directory only.
type soakGuest struct {
	id     string
	truth  *truth
	labels [2]*truth
	label  int
	moves  int
	member bool
}

const (
	soakDomain = "nodes.example"
	soakFlush  = 200 * time.Millisecond
	soakGuests = 4
	soakListed = 5 // nodes in each file of nodes
)

func newSoak(t testing.TB, seed uint64, nodes int) *soak {
	t.Helper()
	s := &soak{t: t, lan: newLAN(t), seed: seed, begun: time.Now(), stopped: make(chan struct{})}
	s.size = soakSize{"node": nodes, "curator": 3, "upstream": 4, "guest": soakGuests}
	authority, store := filepath.Join(t.TempDir(), "authority"), t.TempDir()
	for i := range s.size["curator"] {
		h := s.join(fmt.Sprintf("curator%d", i)).address()
		c := &curator{host: h, id: h.identify(), authority: authority, port: 7835, flags: []string{
			"--listen", ":7835", "--store", store, "--key", h.path(keyFile),
		}}
		t.Cleanup(c.kill)
		s.curators = append(s.curators, &soakCurator{curator: c})
	}
	s.newUpstreams()
	for i := range nodes {
		s.nodes = append(s.nodes, s.newNode(i))
	}
	for i := range soakGuests {
		g := &soakGuest{id: strangerID(t)}
		g.truth = newTruth(g.id, netip.Addr{})
		for j := range g.labels {
			g.labels[j] = newNameTruth(fmt.Sprintf("guest%d-%c.%s", i, 'a'+j, soakDomain), g.truth)
		}
		s.guests = append(s.guests, g)
	}
	return s
}

// newUpstreams are an NSD, an Unbound and a dnsmasq that ask it, and one of ours
// that fails in more ways.
func (s *soak) newUpstreams() {
	nsd := newAuthority(s.lan, "nsd")
	unbound, _ := newRecursor(s.lan, "unbound", nsd)
	dnsmasq := s.join("dnsmasq").address()
	startDNSMasq(dnsmasq.machine, dnsmasq.v4().String(), "--server="+nsd.v4().String())
	s.flaky = newFlaky(s.join("flaky").address())
	s.upstreams = []*host{nsd.host, unbound, dnsmasq, s.flaky.host}
}

func (s *soak) newNode(i int) *soakNode {
	n := &soakNode{node: newNode(s.lan, fmt.Sprintf("node%d", i)), index: i, system: newServiceManager(s.t)}
	n.id = newTruth(n.node.id, n.v4())
	for j := range n.labels {
		n.labels[j] = newNameTruth(fmt.Sprintf("node%d-%c.%s", i, 'a'+j, soakDomain), n.id)
	}
	n.labels[0].becomes(n.v4())
	for j := range soakListed {
		n.files = append(n.files, newTruth(fmt.Sprintf("listed%d.%s", j, soakDomain), n.listedAddr(j, 0)))
	}
	n.hosts.set(userHosts)
	n.write(resolvConf, "nameserver "+s.upstreams[2].v4().String()+"\n")
	n.address()
	var endpoints, servers []string
	for _, c := range s.curators {
		endpoints = append(endpoints, fmt.Sprintf("%q", c.endpoint()))
	}
	for _, u := range s.upstreams[1:] {
		servers = append(servers, fmt.Sprintf("%q", u.v4()))
	}
	n.configure("[zone]", fmt.Sprintf("domains = [%q]", soakDomain),
		"[curator]", "report = true", "endpoints = ["+strings.Join(endpoints, ", ")+"]",
		"[upstream]", "servers = ["+strings.Join(servers, ", ")+"]",
		"[cache]", `size = "4MiB"`, stubMode, withMetrics)
	n.writeList(inPlace)
	return n
}

// boot starts all of it, and waits until all agree.
func (s *soak) boot() {
	for _, c := range s.curators {
		c.launch()
	}
	var leader *curator
	eventually(s.t, "a curator leads", func() error {
		if leader = s.leader(); leader == nil {
			return errors.New("none leads")
		}
		return nil
	})
	s.led = leader
	for _, c := range s.curators {
		leader.tell("set %s %s roles=consensus-member port=%d", c.id, c.v4(), c.port)
	}
	for _, n := range s.nodes {
		s.admitNode(n.index)
		leader.tell("issue %s %s", n.path(credentialsDir), n.path(keyFile))
		n.useSmallDisk()
	}
	for i := range s.guests {
		s.joinGuest(i, 0)
	}
	for _, n := range s.nodes {
		n.launch()
	}
	s.awaitAgreement()
}

// labelOf is the label of a readable name below the domain.
func labelOf(tr *truth) string { return strings.TrimSuffix(tr.name, "."+soakDomain) }

// launch starts the daemon under its service manager, and waits until it answers.
func (n *soakNode) launch() {
	n.t.Helper()
	n.forgetNotifications()
	n.daemon = n.startDaemonUnder(n.system)
	n.process.Store(int64(n.daemon.cmd.Process.Pid))
	n.system.last = time.Now()
	n.system.await("READY=1", patience)
}

// forgetNotifications drops those of the last process.
func (n *soakNode) forgetNotifications() {
	for {
		select {
		case <-n.system.Notifications:
		default:
			return
		}
	}
}

// leader is the curator that leads, of those that answer, or nil.
func (s *soak) leader() *curator {
	for _, c := range s.curators {
		if c.cmd != nil && !c.stopped && c.tell("leads") == "yes" {
			return c.curator
		}
	}
	return nil
}

// command has the leading curator carry out a command, now or as soon as one leads.
func (s *soak) command(format string, args ...any) {
	s.pending = append(s.pending, fmt.Sprintf(format, args...))
	s.flush()
}

func (s *soak) flush() {
	if len(s.pending) == 0 {
		return
	}
	leader := s.leader()
	if leader == nil {
		return
	}
	for _, command := range s.pending {
		leader.tell("%s", command)
	}
	s.pending = nil
}

// askFor is a query with EDNS for the addresses of a name.
func askFor(name string) []byte {
	query := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
	query.SetEdns0(1232, false)
	wire, err := query.Pack()
	if err != nil {
		panic(err)
	}
	return wire
}
