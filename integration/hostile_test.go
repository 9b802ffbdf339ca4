package integration

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Invalid data of a cluster is refused entry by entry, and everything else goes
// on.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 2)
	n, peer := c.nodes[0], c.nodes[1]
	before := n.read("/etc/hosts")

	for i, entry := range []struct{ name, id, address string }{
		{"a name of another shape", "www.example.com", "10.88.0.66"},
		{"a name with other than hex digits", "metropolis-" + strings.Repeat("#", 32), "10.88.0.66"},
		{"a name that differs by case only", strings.ToUpper(peer.id), "10.88.0.66"},
		{"an address that is none", strangerID(t), "10.88.0.666"},
		{"a loopback address", strangerID(t), "127.0.0.1"},
		{"a link-local address", strangerID(t), "fe80::1"},
		{"an unspecified address", strangerID(t), "0.0.0.0"},
		{"a multicast address", strangerID(t), "224.0.0.1"},
		{"an IPv4-mapped address", strangerID(t), "::ffff:10.88.0.66"},
		{"our own address", strangerID(t), n.v4().String()},
	} {
		c.curator.tell("set %s %s", entry.id, entry.address)
		eventually(t, entry.name+" is refused", func() error {
			s, err := n.status()
			if err == nil && s.Nodes.Quarantined != i+1 {
				err = fmt.Errorf("%d entries are quarantined, want %d", s.Nodes.Quarantined, i+1)
			}
			return err
		})
		must(t, n.fileHas(entry.id))
	}
	must(t, n.answersReverse(n.v4(), n.id))

	// A good node keeps its address when the cluster's updates of it are
	// invalid.
	c.curator.tell("set %s 127.0.0.1", peer.id)
	c.curator.tell("set %s 10.88.0.77", strangerID(t))
	eventually(t, "the stream goes on", func() error {
		if !strings.Contains(n.read("/etc/hosts"), "10.88.0.77 ") {
			return fmt.Errorf("the file lacks 10.88.0.77")
		}
		return nil
	})
	must(t, n.knows(peer.id, peer.v4()))
	if got := n.read("/etc/hosts"); !strings.HasPrefix(got, before[:strings.Index(before, "# BEGIN")]) {
		t.Errorf("the user's lines are gone: %q", got)
	}
	must(t, n.connection(true))
}

// The cluster may be behind with our own address: the kernel has precedence.
func TestClusterIsWrongAboutUs(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 2)
	n, peer := c.nodes[0], c.nodes[1]
	c.curator.tell("set %s 10.88.0.66", n.id)
	eventually(t, "the peer believes the cluster", func() error {
		r, err := peer.ask(n.id, "A")
		if err == nil {
			err = r.expectAnswer("10.88.0.66")
		}
		return err
	})
	must(t, n.knows(n.id, n.v4(), n.v6()))
}

// Wrong credentials are reported, with the rule that they break; the right ones
// are taken as soon as they are there.
func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	for _, test := range []struct {
		name  string
		spoil func(c *curator, n *node)
		says  string
		code  string // of the verdict's reason
	}{
		{
			"of another cluster",
			func(c *curator, n *node) { newCurator(c.lan, "stranger").enrol(n) },
			"want signed directly by the cluster's CA", "refused",
		},
		{
			"of another node",
			func(c *curator, n *node) { c.tell("issue %s", n.path(credentialsDir)) },
			"certificate of another node", "bad-credentials",
		},
		{
			"half written",
			func(c *curator, n *node) {
				c.enrol(n)
				text := n.read(credentialsDir + "/node.crt")
				n.write(credentialsDir+"/node.crt", text[:len(text)/2])
			},
			credentialsDir + "/node.crt", "bad-credentials",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := newLAN(t)
			c := newCurator(l, "curator")
			n := newNode(l, "node")
			n.address()
			n.configure(follows(c), noUpstream)
			test.spoil(c, n)
			n.boot()
			eventually(t, "they are reported", func() error { return n.daemon.logged(test.says) })
			must(t, n.connection(false))
			eventually(t, "our own name", func() error { return n.knows(n.id, n.v4(), n.v6()) })
			eventually(t, "the verdict", func() error { return n.assessed("degraded", test.code) })
			c.enrol(n)
			c.tell("set %s %s", n.id, n.v4())
			eventually(t, "the curator is followed", func() error { return n.connection(true) })
			eventually(t, "all is well", func() error { return n.assessed("ready") })
		})
	}
}

// Of several endpoints the followers are passed over.
func TestFollowers(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	leader := newCurator(l, "leader")
	follower := startCurator(l.join("follower").address(), leader.authority, 7835)
	follower.tell("follower on")
	n := newNode(l, "node")
	n.address()
	n.configure(follows(follower, leader), noUpstream)
	leader.enrol(n)
	for _, c := range []*curator{leader, follower} {
		c.tell("set %s %s", n.id, n.v4())
		c.tell("set %s %s roles=consensus-member port=7835", leader.id, leader.v4())
		c.tell("set %s %s roles=consensus-member port=7835", follower.id, follower.v4())
	}
	peer := strangerID(t)
	leader.tell("set %s 10.88.0.77", peer)
	n.boot()
	eventually(t, "the leader's node", func() error { return n.answers("NOERROR", peer) })
	eventually(t, "the leader is followed", func() error { return n.follows(leader) })

	// They swap addresses.
	follower.tell("set %s 10.88.0.78", peer)
	follower.tell("follower off")
	leader.tell("follower on")
	leader.tell("drop")
	eventually(t, "the new leader is followed", func() error { return n.follows(follower) })
	eventually(t, "the new leader's news", func() error {
		r, err := n.ask(peer, "A")
		if err == nil {
			err = r.expectAnswer("10.88.0.78")
		}
		return err
	})
}

// follows fails unless the daemon is connected to this curator, at its address or
// at that of its node.
func (m *machine) follows(c *curator) error {
	s, err := m.status()
	byID := fmt.Sprintf("%s:%d", c.id, c.port)
	if err == nil && (s.Curator.State != "connected" || s.Curator.Endpoint != c.endpoint() && s.Curator.Endpoint != byID) {
		err = fmt.Errorf("the curator is %+v", s.Curator)
	}
	return err
}

// An endpoint may be a node's name, which is in the zone itself.
func TestEndpointByName(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 1)
	n, curatorID := c.nodes[0], c.curator.id
	eventually(t, "the curator's node", func() error { return n.answers("NOERROR", curatorID) })
	n.configure("[curator]", fmt.Sprintf("endpoints = [%q]", curatorID), noUpstream)
	n.daemon.signal(unix.SIGHUP)
	eventually(t, "the curator is reached by its name", func() error {
		s, err := n.status()
		if err == nil && (s.Curator.State != "connected" || !strings.Contains(s.Curator.Endpoint, curatorID)) {
			err = fmt.Errorf("the curator is %+v", s.Curator)
		}
		return err
	})
	must(t, n.daemon.running())
}

// An older curator does not report when its backlog ends: the zone is ready
// after a quiet period, and no node departs by being absent.
func TestOlderCurator(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	c := newCurator(l, "curator")
	c.tell("marker off")
	n := newNode(l, "node")
	n.address()
	n.configure(follows(c), noUpstream)
	c.enrol(n)
	peer, gone := strangerID(t), strangerID(t)
	c.tell("set %s 10.88.0.77", peer)
	c.tell("set %s 10.88.0.78", gone)
	n.boot()
	eventually(t, "the zone is ready", func() error { return n.answers("NXDOMAIN", strangerID(t)) })
	must(t, n.counts(4, 0, 0))

	c.kill()
	c.cut() // until it behaves like an older one
	c.launch()
	c.tell("marker off")
	c.tell("set %s 10.88.0.79", peer)
	c.reconnect()
	eventually(t, "the peer's news", func() error {
		r, err := n.ask(peer, "A")
		if err == nil {
			err = r.expectAnswer("10.88.0.79")
		}
		return err
	})
	must(t, n.counts(4, 0, 0))
}
