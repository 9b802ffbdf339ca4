package integration

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

// Every node finds every node, by each kind of lookup.
func TestEveryNode(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 3)
	for _, n := range c.nodes {
		for _, peer := range c.nodes {
			addrs := []netip.Addr{peer.v4()}
			if peer == n {
				// The cluster knows one address of a node, a node all of its own.
				addrs = append(addrs, peer.v6())
			}
			for _, network := range []string{"udp", "tcp"} {
				t.Run(fmt.Sprintf("%s asks for %s by %s", n.name, peer.name, network), func(t *testing.T) {
					for _, addr := range addrs {
						must(t, n.answersNodeBy(network, peer.id, addr))
						must(t, n.answersReverseBy(network, addr, peer.id))
					}
				})
			}
			t.Run(fmt.Sprintf("glibc of %s asks for %s", n.name, peer.name), func(t *testing.T) {
				must(t, n.glibcKnows("dns", peer.id, addrs...))
				eventually(t, "the file has it", func() error {
					return n.glibcKnows("files", peer.id, addrs...)
				})
				must(t, n.glibcKnows("", peer.id, addrs...))
				out, err := n.try("getent", "-s", "hosts:dns", "hosts", peer.v4().String())
				must(t, err)
				if want := fmt.Sprintf("%-15s %s\n", peer.v4(), peer.id); out != want {
					t.Errorf("getent hosts prints %q, want %q", out, want)
				}
			})
		}
	}
}

// answersNode fails unless the answer has the node's record as section 4 requires
// it.
func (m *machine) answersNode(id string, addr netip.Addr) error {
	return m.answersNodeBy("udp", id, addr)
}

func (m *machine) answersNodeBy(network, id string, addr netip.Addr) error {
	typ := "A"
	if addr.Is6() {
		typ = "AAAA"
	}
	r, err := m.askBy(network, id, typ)
	if err != nil {
		return err
	}
	want := []record{{id + ".", "10", typ, addr.String()}}
	if r.status != "NOERROR" || !slices.Contains(r.flags, "aa") || !slices.Equal(r.answer, want) {
		return fmt.Errorf("want NOERROR, aa and %v:\n%s", want, r.text)
	}
	return nil
}

// answersReverse fails unless the address has the node as its only name.
func (m *machine) answersReverse(addr netip.Addr, id string) error {
	return m.answersReverseBy("udp", addr, id)
}

func (m *machine) answersReverseBy(network string, addr netip.Addr, id string) error {
	r, err := m.askBy(network, addr.String(), "PTR")
	if err != nil {
		return err
	}
	if got := r.data("PTR"); !slices.Equal(got, []string{id + "."}) {
		return fmt.Errorf("the name of %s is %v, want %s:\n%s", addr, got, id, r.text)
	}
	return nil
}

// A node whose address in the cluster is of IPv6 has an AAAA record only.
func TestNodeOnIPv6(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 1)
	n, peer, addr := c.nodes[0], strangerID(t), netip.MustParseAddr("fd88::99")
	c.curator.tell("set %s %s", peer, addr)
	eventually(t, "the node resolves", func() error { return n.knows(peer, addr) })
	must(t, n.answersNode(peer, addr))
	must(t, n.answersReverse(addr, peer))
	r, err := n.ask(peer, "A")
	must(t, err)
	if len(r.authority) != 1 || r.authority[0].typ != "SOA" {
		t.Errorf("the family that the node lacks comes without an SOA:\n%s", r.text)
	}
}

// DNS over IPv6, on a listener besides the usual one.
func TestListenerOnIPv6(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure(noUpstream, "[dns]", `listen = ["127.0.0.53:53", "[::1]:53"]`)
	n.boot()
	for _, transport := range []string{"+notcp", "+tcp"} {
		eventually(t, "::1 answers "+transport, func() error {
			r, err := n.digAt("::1", transport, n.id, "AAAA")
			if err == nil && !slices.Equal(r.data("AAAA"), []string{n.v6().String()}) {
				err = fmt.Errorf("answered:\n%s", r.text)
			}
			return err
		})
	}
}
