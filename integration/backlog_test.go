package integration

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// 10,000 nodes, the curator's and ourselves included, are the most that
// hosts_max_nodes lets into the file; with one more it has us and the consensus
// members only.
func TestTenThousandNodes(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	c := newCurator(l, "curator")
	n := newNode(l, "node")
	n.assign(n.v4())
	n.configure(follows(c), noUpstream)
	c.enrol(n)
	c.tell("set %s %s", n.id, n.v4())
	c.tell("fill 9998") // 100.64.0.1 and on
	n.boot()
	eventually(t, "all nodes are known", func() error { return n.counts(10000, 0, 0) })

	first := netip.MustParseAddr("100.64.0.1")
	last := netip.MustParseAddr("100.64.39.14")
	eventually(t, "the file is complete", func() error {
		text := n.read("/etc/hosts")
		if lines := strings.Count(text, " metropolis-"); lines != 10000 {
			return fmt.Errorf("the file has %d nodes", lines)
		}
		for _, addr := range []netip.Addr{n.v4(), first, last} {
			if !strings.Contains(text, "\n"+addr.String()+" metropolis-") {
				return fmt.Errorf("the file lacks %s", addr)
			}
		}
		return nil
	})
	must(t, n.listsNodes(10000))
	for range 20 {
		o := rand.IntN(9998) + 1
		addr := netip.AddrFrom4([4]byte{100, 64, byte(o >> 8), byte(o)})
		id := n.nameOf(addr)
		must(t, n.answersNode(id, addr))
		must(t, n.glibcKnows("files", id, addr))
	}

	member := strangerID(t)
	c.tell("set %s 10.88.0.99 roles=consensus-member", member)
	eventually(t, "only we and the consensus members are left in the file", func() error {
		if lines := strings.Count(n.read("/etc/hosts"), " metropolis-"); lines != 3 {
			return fmt.Errorf("the file has %d nodes", lines)
		}
		return nil
	})
	must(t, n.knows(n.id, n.v4()))
	must(t, n.knows(member, netip.MustParseAddr("10.88.0.99")))
	must(t, n.answersReverse(first, n.nameOf(first)))
	must(t, n.daemon.logged("only this machine and the consensus members are written"))
}

// nameOf queries DNS for the node that has an address.
func (m *machine) nameOf(addr netip.Addr) string {
	m.t.Helper()
	r, err := m.ask(addr.String(), "PTR")
	must(m.t, err)
	names := r.data("PTR")
	if len(names) != 1 {
		m.t.Fatalf("the name of %s is %v:\n%s", addr, names, r.text)
	}
	return strings.TrimSuffix(names[0], ".")
}

// listsNodes fails unless "nodedns nodes" has that many.
func (m *machine) listsNodes(want int) error {
	var nodes []struct {
		ID        string   `json:"id"`
		Addresses []string `json:"addresses"`
	}
	if err := m.decode(&nodes, "nodes"); err != nil {
		return err
	}
	for _, n := range nodes {
		if n.ID == "" || len(n.Addresses) != 1 {
			return fmt.Errorf("nodedns nodes has %+v", n)
		}
	}
	if len(nodes) != want {
		return fmt.Errorf("nodedns nodes has %d nodes, want %d", len(nodes), want)
	}
	return nil
}
