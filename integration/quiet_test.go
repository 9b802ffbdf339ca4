package integration

import (
	"strings"
	"testing"
)

// Where everything works nothing is reported as an error, and what is logged
// does not grow with the cluster.
func TestQuietLog(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 2)
	n := c.nodes[0]
	c.curator.tell("fill 500")
	eventually(t, "all nodes are known", func() error { return n.counts(503, 0, 0) })
	n.withdraw(n.v6())
	eventually(t, "an address less", func() error { return n.knows(n.id, n.v4()) })
	log := n.daemon.log.String()
	if strings.Contains(log, "level=ERROR") {
		t.Error("an error is logged")
	}
	if lines := strings.Count(log, "\n"); lines > 50 {
		t.Errorf("%d lines are logged", lines)
	}
}
