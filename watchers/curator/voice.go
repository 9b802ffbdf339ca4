package curator

import (
	"cmp"
	"crypto/x509"
	"net"
	"slices"
	"strconv"

	"github.com/nodedns/nodedns/watchers/curator/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// voice is what one curator says of the leadership now.
type voice struct {
	endpoint Endpoint // where it was asked
	self     zone.ID  // the curator's own node; empty while that is not known
	leader   zone.ID  // empty: it names nobody
	at       Endpoint // where it says that the leader is, or zero
	fault    string   // why it is not heard; then all of the above is past
}

// heard says whether the voice counts.
func (v voice) heard() bool { return v.fault == "" }

// leads says whether it is the voice of a curator, and names that one.
func (v voice) leads(id zone.ID) bool { return v.heard() && v.self == id && v.leader == id }

// understand makes a voice of a message. What cannot be a node or a place is
// as good as not said. The certificate tells better than the curator itself who
// it is.
func understand(endpoint Endpoint, m *curatorpb.GetCurrentLeaderResponse, peer *x509.Certificate, p zone.Prefix, insecure bool) voice {
	v := voice{endpoint: endpoint}
	v.leader, _ = p.Parse(m.GetLeaderNodeId())
	v.self, _ = p.Parse(m.GetThisNodeId())
	if peer != nil {
		v.self = nodetls.PeerID(peer, p)
	}
	if v.leader == "" || m.GetLeaderHost() == "" {
		return v
	}
	port := cmp.Or(int(m.GetLeaderPort()), DefaultPort)
	at, err := ParseEndpoint(net.JoinHostPort(m.GetLeaderHost(), strconv.Itoa(port)), p)
	if err == nil && (!insecure || at.Loopback()) {
		v.at = at
	}
	return v
}

// elect returns the leader that most of the voices name, each curator counting
// once. On a tie the present one stays; else one that says so itself is taken,
// then the smallest ID. The result is empty when nobody names one.
func elect(voices []voice, present zone.ID) (leader zone.ID) {
	votes := map[zone.ID]int{}
	counted := map[zone.ID]bool{}
	for _, v := range voices {
		if !v.heard() || v.leader == "" || v.self != "" && counted[v.self] {
			continue
		}
		counted[v.self] = true
		votes[v.leader]++
	}
	standing := func(id zone.ID) int {
		switch {
		case id == present:
			return 2
		case slices.ContainsFunc(voices, func(v voice) bool { return v.leads(id) }):
			return 1
		}
		return 0
	}
	for id, n := range votes {
		if leader == "" || cmp.Or(
			cmp.Compare(n, votes[leader]),
			cmp.Compare(standing(id), standing(leader)),
			cmp.Compare(leader, id),
		) > 0 {
			leader = id
		}
	}
	return leader
}

// places lists where a leader may be found: where it speaks itself, where
// others say that it is, and last by its ID. There are none while no leader is
// known.
func places(voices []voice, leader zone.ID) (all []Endpoint) {
	if leader == "" {
		return nil
	}
	add := func(endpoint Endpoint) {
		if endpoint != (Endpoint{}) && !slices.Contains(all, endpoint) {
			all = append(all, endpoint)
		}
	}
	for _, v := range voices {
		if v.heard() && v.self == leader {
			add(v.endpoint)
		}
	}
	for _, v := range voices {
		if v.heard() && v.leader == leader {
			add(v.at)
		}
	}
	for _, v := range voices {
		if v.endpoint.node == leader {
			add(v.endpoint)
		}
	}
	return all
}
