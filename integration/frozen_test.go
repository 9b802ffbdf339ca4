package integration

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/internal/testkit/load"
)

// A daemon that is frozen for a minute answers what has come meanwhile, catches up with
// its cluster, which has given it up, and needs no more than before.
func TestFrozen(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 2)
	n, peer := c.nodes[0], c.nodes[1]
	needed := needsOf(n.daemon.cmd.Process.Pid)
	asking, err := n.dial("udp", "127.0.0.53:53")
	must(t, err)
	defer asking.Close()

	n.daemon.signal(unix.SIGSTOP)
	moved := netip.MustParseAddr("10.88.9.9")
	c.curator.tell("set %s %s", peer.id, moved)
	const queries = 100
	for range queries {
		_, err := asking.Write(load.AddressQuery(n.id))
		must(t, err)
	}
	time.Sleep(time.Duration(testkit.Times(1, 60)) * time.Second)
	n.daemon.signal(unix.SIGCONT)

	must(t, asking.SetReadDeadline(time.Now().Add(patience)))
	for i := range queries {
		if _, err := asking.Read(make([]byte, 512)); err != nil {
			t.Fatalf("%d of %d queries are answered: %v", i, queries, err)
		}
	}
	eventually(t, "the peer's new address", func() error { return n.knows(peer.id, moved) })
	eventually(t, "it is well", func() error { return n.assessed("ready") })
	eventually(t, "it needs no more than before", func() error {
		if now := needsOf(n.daemon.cmd.Process.Pid); now.descriptors > needed.descriptors+soakIdleMore {
			return fmt.Errorf("it needs %v, and needed %v", now, needed)
		}
		return nil
	})
}
