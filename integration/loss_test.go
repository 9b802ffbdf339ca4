package integration

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
)

// The curator dies and comes back: answers are unaffected by the first, and all
// nodes get what changed meanwhile.
func TestCuratorKilled(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 2)
	n, peer := c.nodes[0], c.nodes[1]
	c.curator.kill()
	eventually(t, "the loss is noticed", func() error { return n.connection(false) })
	must(t, n.resolves(peer.id, peer.v4()))
	must(t, n.answers("NXDOMAIN", strangerID(t)))

	moved := netip.MustParseAddr("10.88.0.150")
	c.curator.launch()
	c.register(n)
	c.curator.tell("set %s %s", peer.id, moved)
	eventually(t, "the peer's new address", func() error { return n.knows(peer.id, moved) })
	must(t, n.connection(true))
	must(t, n.daemon.running())
}

// A network that drops everything closes nothing, so only silence shows it.
func TestPartition(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 2)
	n, peer := c.nodes[0], c.nodes[1]
	n.cut()
	moved := netip.MustParseAddr("10.88.0.150")
	c.curator.tell("set %s %s", peer.id, moved)
	eventually(t, "the partition is noticed", func() error { return n.connection(false) })
	must(t, n.knows(peer.id, peer.v4()))
	must(t, n.resolves(n.id, n.v4(), n.v6()))

	n.reconnect()
	eventually(t, "the peer's new address", func() error { return n.knows(peer.id, moved) })
	must(t, n.connection(true))
}

// A node that is missing from a complete new backlog, or of which a tombstone
// came, has departed: it is answered still, with a remark.
func TestDeparted(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	for _, test := range []struct {
		name   string
		depart func(c *cluster, staying, leaving *node)
	}{
		{"a tombstone", func(c *cluster, _, leaving *node) {
			c.curator.tell("remove %s", leaving.id)
		}},
		{"a curator that returns with fewer nodes", func(c *cluster, staying, _ *node) {
			c.curator.kill()
			c.curator.launch()
			c.register(staying)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 2)
			n, leaving := c.nodes[0], c.nodes[1]
			test.depart(c, n, leaving)
			eventually(t, "the node departs", func() error { return n.counts(2, 1, 0) })
			must(t, n.remarks(3, "since ", leaving.id))
			must(t, n.remarks(0, "", n.id))
			must(t, n.answersReverse(leaving.v4(), leaving.id))
			must(t, n.fileHas(leaving.id, leaving.v4()))

			c.register(leaving)
			eventually(t, "the node returns", func() error { return n.counts(3, 0, 0) })
			must(t, n.remarks(0, "", leaving.id))
		})
	}
}

// remarks fails unless an answer has this extended error with a text that
// contains text, or none where the number is 0.
func (m *machine) remarks(number int, text, name string) error {
	r, err := m.ask(name, "A")
	if err != nil {
		return err
	}
	if number == 0 && len(r.errors) == 0 {
		return nil
	}
	if number != 0 && r.hasError(number, text) {
		return nil
	}
	return fmt.Errorf("want the extended error %d %q:\n%s", number, text, r.text)
}

// Data that has not been confirmed for a minute is marked as stale.
func TestLongLoss(t *testing.T) {
	t.Parallel()
	testkit.Long(t) // the minute itself
	needSandbox(t)
	c := newCluster(t, 2)
	n, peer := c.nodes[0], c.nodes[1]
	c.curator.kill()
	must(t, n.remarks(0, "", peer.id))
	eventuallyWithin(t, time.Minute+patience, "the peer's record is marked", func() error {
		return n.remarks(3, "since ", peer.id)
	})
	must(t, n.resolves(peer.id, peer.v4()))
	must(t, n.remarks(19, "", strangerID(t)))
	must(t, n.remarks(0, "", n.id))

	c.curator.launch()
	c.register(c.nodes...)
	eventually(t, "the mark goes", func() error { return n.remarks(0, "", peer.id) })
}
