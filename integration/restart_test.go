package integration

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// With the daemon killed and the curator unreachable, glibc finds all nodes in
// the file; and the next daemon answers from what the last one saved.
func TestKilledDaemon(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 3)
	n := c.nodes[0]
	for _, peer := range c.nodes[1:] {
		eventually(t, "the file has "+peer.name, func() error { return n.fileHas(peer.id, peer.v4()) })
	}
	c.curator.kill()
	n.daemon.kill()
	for _, peer := range c.nodes[1:] {
		must(t, n.glibcKnows("", peer.id, peer.v4()))
	}
	must(t, n.glibcKnows("", n.id, n.v4(), n.v6()))

	d := n.boot()
	eventually(t, "the saved nodes answer", func() error { return n.answers("NOERROR", n.id) })
	for _, peer := range c.nodes[1:] {
		must(t, n.resolves(peer.id, peer.v4()))
	}
	must(t, n.answers("NXDOMAIN", strangerID(t)))
	must(t, n.connection(false))

	c.curator.launch()
	c.register(c.nodes...)
	eventually(t, "the curator is followed again", func() error { return n.connection(true) })
	eventually(t, "its nodes are the same", func() error { return n.counts(4, 0, 0) })
	must(t, d.running())
}

// Marks of departed nodes survive a restart.
func TestDepartedAfterRestart(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 2)
	n, leaving := c.nodes[0], c.nodes[1]
	c.curator.tell("remove %s", leaving.id)
	eventually(t, "the node departs", func() error { return n.counts(2, 1, 0) })
	c.curator.kill()
	n.daemon.signal(unix.SIGTERM)
	n.daemon.exit()
	n.boot()
	eventually(t, "the node is still marked", func() error { return n.remarks(3, "since ", leaving.id) })
	must(t, n.counts(2, 1, 0))
}

// What was saved and then damaged is set aside and reported, and the start goes
// on without it.
func TestDamagedSavedNodes(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 2)
	n, peer := c.nodes[0], c.nodes[1]
	n.daemon.signal(unix.SIGTERM)
	n.daemon.exit()
	c.curator.kill()
	saved := []byte(n.read(savedFile))
	saved[len(saved)/2] ^= 1
	n.write(savedFile, string(saved))

	d := n.boot()
	eventually(t, "our own name", func() error { return n.knows(n.id, n.v4(), n.v6()) })
	must(t, n.answers("SERVFAIL", peer.id))
	must(t, d.logged(savedFile))
	must(t, n.glibcKnows("", peer.id, peer.v4())) // the file was not touched

	c.curator.launch()
	c.register(c.nodes...)
	eventually(t, "the cluster is known again", func() error { return n.knows(peer.id, peer.v4()) })
}

// A backlog that breaks off proves nothing about nodes missing from it.
func TestPartialBacklog(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 3)
	n := c.nodes[0]
	// The data of a complete backlog are saved.
	n.daemon.signal(unix.SIGTERM)
	n.daemon.exit()
	saved := n.read(savedFile)

	c.curator.tell("cut 1")
	n.boot()
	eventually(t, "attempts have failed", func() error {
		s, err := n.status()
		if err == nil && s.Curator.State != "backing off" {
			err = fmt.Errorf("the curator's state is %q", s.Curator.State)
		}
		return err
	})
	must(t, n.counts(4, 0, 0))
	for _, peer := range c.nodes[1:] {
		must(t, n.knows(peer.id, peer.v4()))
	}
	n.daemon.signal(unix.SIGTERM)
	n.daemon.exit()
	if n.read(savedFile) != saved {
		t.Errorf("the saved nodes were overwritten")
	}
}

// A node that never reached its cluster answers that it does not know yet, and
// never that a name does not exist.
// Shows RFC 1034 5.2.3.
// Shows RFC 8914 4.15.
func TestNotReady(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	c := newCurator(l, "curator")
	n := newNode(l, "node")
	n.address()
	n.configure(follows(c), noUpstream)
	c.kill()
	n.boot()
	eventually(t, "our own name", func() error { return n.knows(n.id, n.v4(), n.v6()) })
	must(t, n.answers("SERVFAIL", strangerID(t)))
	must(t, n.remarks(14, "", strangerID(t)))
	eventually(t, "it waits to be enrolled", func() error { return n.assessed("waiting", "awaiting-credentials") })

	c.launch()
	c.enrol(n)
	c.tell("set %s %s", n.id, n.v4())
	eventually(t, "the cluster is known", func() error { return n.answers("NXDOMAIN", strangerID(t)) })
}

// SIGTERM ends the daemon cleanly, whatever it is doing.
func TestSIGTERM(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 2)
	connected, partitioned := c.nodes[0], c.nodes[1]
	connected.daemon.signal(unix.SIGTERM)
	partitioned.cut()
	partitioned.daemon.signal(unix.SIGTERM)
	for _, n := range c.nodes {
		if code := n.daemon.exit(); code != 0 {
			t.Errorf("the exit status of %s is %d, want 0", n.name, code)
		}
		must(t, n.glibcKnows("", n.id, n.v4(), n.v6()))
	}
}
