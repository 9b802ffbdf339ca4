package curator

import (
	"cmp"
	"crypto/x509"
	"net"
	"slices"
	"strconv"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// leaderReport is what one curator reports of the leader now.
type leaderReport struct {
	endpoint Endpoint // where the curator was watched
	self     zone.ID  // the curator's own node; empty while that is not known
	leader   zone.ID  // empty: it names none
	at       Endpoint // where the leader is according to this report, or zero
	failure  string   // why it does not report; then all of the above is past
}

// live reports whether it counts.
func (r leaderReport) live() bool { return r.failure == "" }

// leads reports whether it comes from the curator id and names id itself.
func (r leaderReport) leads(id zone.ID) bool { return r.live() && r.self == id && r.leader == id }

// parseReport takes a report from a message. What can be neither a node nor an
// endpoint is left out. The certificate decides which node it comes from, where
// there is one.
func parseReport(endpoint Endpoint, m *curatorpb.GetCurrentLeaderResponse, peer *x509.Certificate, p zone.Prefix, insecure bool) leaderReport {
	r := leaderReport{endpoint: endpoint}
	r.leader, _ = p.Parse(m.GetLeaderNodeId())
	r.self, _ = p.Parse(m.GetThisNodeId())
	if peer != nil {
		r.self = nodetls.PeerID(peer, p)
	}
	if r.leader == "" || m.GetLeaderHost() == "" {
		return r
	}
	port := cmp.Or(int(m.GetLeaderPort()), DefaultPort)
	at, err := parseTarget(net.JoinHostPort(m.GetLeaderHost(), strconv.Itoa(port)))
	if err == nil && (!insecure || at.Loopback()) {
		r.at, _ = at.In(p) // which only refuses pins, and what has no port
	}
	return r
}

// majority returns the leader that most of the reports name, each curator counting
// once. On a tie the current one stays; else one that names itself is taken, then
// the smallest ID. The result is empty when no report names one.
func majority(reports []leaderReport, current zone.ID) (leader zone.ID) {
	votes := map[zone.ID]int{}
	counted := map[zone.ID]bool{}
	for _, r := range reports {
		if !r.live() || r.leader == "" || r.self != "" && counted[r.self] {
			continue
		}
		counted[r.self] = true
		votes[r.leader]++
	}
	rank := func(id zone.ID) int {
		switch {
		case id == current:
			return 2
		case slices.ContainsFunc(reports, func(r leaderReport) bool { return r.leads(id) }):
			return 1
		}
		return 0
	}
	for id, n := range votes {
		if leader == "" || cmp.Or(
			cmp.Compare(n, votes[leader]),
			cmp.Compare(rank(id), rank(leader)),
			cmp.Compare(leader, id),
		) > 0 {
			leader = id
		}
	}
	return leader
}

// leaderEndpoints lists where a leader may be found: where it reports itself,
// where others report that it is, and last by its ID. There are none while no
// leader is known.
func leaderEndpoints(reports []leaderReport, leader zone.ID) (all []Endpoint) {
	if leader == "" {
		return nil
	}
	add := func(endpoint Endpoint) {
		if endpoint != (Endpoint{}) && !slices.Contains(all, endpoint) {
			all = append(all, endpoint)
		}
	}
	for _, r := range reports {
		if r.live() && r.self == leader {
			add(r.endpoint)
		}
	}
	for _, r := range reports {
		if r.live() && r.leader == leader {
			add(r.at)
		}
	}
	for _, r := range reports {
		if r.endpoint.node == leader {
			add(r.endpoint)
		}
	}
	return all
}
