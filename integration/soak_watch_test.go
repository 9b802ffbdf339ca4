package integration

import (
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/miekg/dns"
)

const (
	soakLook   = 500 * time.Millisecond // between two looks at a node
	soakLookup = 10                     // looks for one lookup by glibc
)

// stop ends the watching and the load.
func (s *soak) stop() {
	s.stopping.Do(func() { close(s.stopped) })
	s.quiet.Wait()
}

// watch looks at each node all the time.
func (s *soak) watch() {
	s.t.Cleanup(s.stop) // where the test ends before
	for _, n := range s.nodes {
		s.quiet.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-s.stopped:
					return
				case <-time.After(soakLook):
				}
				s.look(n, i%soakLookup == n.index%soakLookup)
			}
		})
	}
}

func (s *soak) look(n *soakNode, glibc bool) {
	s.seen.looks.Add(1)
	if err := n.ownName(); err != nil {
		s.fail("%s: our own name: %v", n.name, err)
	}
	if err := n.userLines(); err != nil {
		s.fail("%s: %v", n.name, err)
	}
	n.usage.sample(int(n.process.Load()))
	if !glibc {
		return
	}
	s.seen.lookups.Add(1)
	at := time.Now()
	addrs, err := n.getent("", n.node.id)
	if err == nil && !n.allowsOwn(at, addrs) {
		err = fmt.Errorf("the addresses are %v", addrs)
	}
	if err != nil {
		s.fail("%s: glibc, our own name: %v", n.name, err)
	}
}

// ownName fails unless our own name is known by DNS or by the file.
func (n *soakNode) ownName() error {
	at := time.Now()
	text, err := os.ReadFile(n.path("/etc/hosts"))
	if err == nil && n.allowsOwn(at, addressesIn(string(text), n.node.id)) {
		return nil
	}
	query := new(dns.Msg).SetQuestion(n.node.id+".", dns.TypeA)
	reply, dnsErr := n.exchange("udp", query)
	if dnsErr != nil {
		return fmt.Errorf("neither the file has it (%v) nor DNS: %w", err, dnsErr)
	}
	wire, err := reply.Pack()
	if err != nil {
		return err
	}
	_, err = n.id.judge(wire, at, false)
	return err
}

// allowsOwn reports whether addresses are ours, and at least one is.
func (n *soakNode) allowsOwn(at time.Time, addrs []netip.Addr) bool {
	for _, addr := range addrs {
		if addr != n.v6() && !n.id.allows(at, addr) {
			return false
		}
	}
	return len(addrs) > 0
}
