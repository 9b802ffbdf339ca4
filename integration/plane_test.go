package integration

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
)

// member is a node, and where it has one the curator that it runs.
type member struct {
	*node
	curator *curator
	addr    netip.Addr
}

// plane is a cluster whose control plane runs on its own nodes: some members
// run a curator, one of which leads, and all report their addresses themselves.
type plane struct {
	*lan
	members []*member
}

// newPlane makes the members, and nothing that runs. The first ones have a
// curator each.
func newPlane(t testing.TB, curators, others int) *plane {
	t.Helper()
	p := &plane{lan: newLAN(t)}
	authority, store := filepath.Join(t.TempDir(), "authority"), t.TempDir()
	for i := range curators + others {
		m := &member{node: newNode(p.lan, fmt.Sprintf("member%d", i))}
		p.members = append(p.members, m)
		if i < curators {
			m.curator = &curator{host: m.host, id: m.id, authority: authority, port: 7835, flags: []string{
				"--listen", ":7835", "--store", store, "--key", m.path(keyFile),
			}}
			t.Cleanup(m.curator.kill)
		}
		m.move(m.v4())
	}
	return p
}

// move gives the machine another address, its only one.
func (m *member) move(addr netip.Addr) {
	m.t.Helper()
	m.strip()
	m.assign(addr)
	m.addr = addr
}

// curators are the members that have one.
func (p *plane) curators() (all []*member) {
	for _, m := range p.members {
		if m.curator != nil {
			all = append(all, m)
		}
	}
	return all
}

// leader is the member whose curator leads.
func (p *plane) leader() (*member, error) {
	for _, m := range p.curators() {
		if m.curator.cmd != nil && m.curator.tell("leads") == "yes" {
			return m, nil
		}
	}
	return nil, errors.New("no curator leads")
}

func (p *plane) awaitLeader() (leader *member) {
	p.t.Helper()
	eventually(p.t, "a curator leads", func() (err error) {
		leader, err = p.leader()
		return err
	})
	return leader
}

// enrol registers all members with the cluster and gives them credentials. Their
// addresses are for them to report.
func (p *plane) enrol() {
	p.t.Helper()
	leader := p.awaitLeader().curator
	for _, m := range p.members {
		role := "roles=kubernetes-worker"
		if m.curator != nil {
			role = "roles=consensus-member port=7835"
		}
		leader.tell("set %s - %s", m.id, role)
		leader.tell("issue %s %s", m.path(credentialsDir), m.path(keyFile))
	}
}

// configure has all members look for the curators by their addresses, or by
// their node IDs only.
func (p *plane) configure(byID bool) {
	p.t.Helper()
	var endpoints []string
	for _, m := range p.curators() {
		endpoint := fmt.Sprintf("%q", m.addr.String()+":7835")
		if byID {
			endpoint = fmt.Sprintf("%q", m.id)
		}
		endpoints = append(endpoints, endpoint)
	}
	for _, m := range p.members {
		m.configure("[curator]", "report = true", "endpoints = ["+strings.Join(endpoints, ", ")+"]", noUpstream)
	}
}

// agreed fails unless every member knows the present address of every other
// one, over DNS and in the file, and follows the leader.
func (p *plane) agreed() error {
	for _, m := range p.members {
		if err := m.daemon.running(); err != nil {
			return err
		}
		if err := m.connection(true); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		for _, peer := range p.members {
			if err := m.knows(peer.id, peer.addr); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
	}
	return nil
}

// saved fails unless every member has saved the addresses of all others.
func (p *plane) saved() error {
	for _, m := range p.members {
		text := m.read(savedFile)
		for _, peer := range p.members {
			if peer != m && !strings.Contains(text, string(peer.addr.AsSlice())) {
				return fmt.Errorf("%s has not saved %s", m.name, peer.name)
			}
		}
	}
	return nil
}
