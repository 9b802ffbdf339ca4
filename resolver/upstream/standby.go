package upstream

import (
	"log/slog"
	"slices"
	"time"
)

// standby are servers that could be named in the place of a group's. They are
// never queried, because the names that clients look up are not for them, and
// are probed only while the whole group is left out.
type standby struct {
	group *Group
	peers []*peer
}

// Standby sets the servers that could be named in the place of a group's. What
// is known of them is kept. It is called after Use.
func (p *Pool) Standby(group *Group, servers []Server) {
	quiet := p.config
	quiet.Logger = slog.New(slog.DiscardHandler) // nothing depends on their states
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.standby.peers
	p.standby = standby{group: group}
	for _, server := range servers {
		server.Addr = Normalize(server.Addr)
		i := slices.IndexFunc(before, func(known *peer) bool { return known.server == server })
		known := (*peer)(nil)
		if i >= 0 {
			known = before[i]
		} else {
			known = newPeer(server, quiet, p.wake, func() {})
		}
		if !slices.Contains(p.standby.peers, known) {
			p.standby.peers = append(p.standby.peers, known)
			p.tokens[known.token] = known
		}
	}
	p.wake()
}

// Answering are the servers of Standby that answer, while none of the group does.
// Without a Run none are known.
func (p *Pool) Answering() (servers []Server) {
	peers, needed := p.onStandby()
	for _, peer := range peers {
		if needed && peer.effectiveState(true) == Good {
			servers = append(servers, peer.server)
		}
	}
	return servers
}

// onStandby returns the servers of Standby, and whether they are needed.
func (p *Pool) onStandby() (peers []*peer, needed bool) {
	p.mu.Lock()
	s := p.standby
	p.mu.Unlock()
	needed = len(s.peers) > 0 && len(s.group.peers) > 0 &&
		!slices.ContainsFunc(s.group.peers, func(peer *peer) bool { return !peer.isLeftOut(true) })
	return s.peers, needed
}

// probeStandby begins the probes of those that are due, and returns when to check
// again, by next at the latest. What was learned in an earlier outage is
// forgotten.
func (p *Pool) probeStandby(s *session, now time.Time, next time.Duration) time.Duration {
	peers, needed := p.onStandby()
	for _, peer := range peers {
		if !needed {
			if peer.effectiveState(true) != Unknown {
				peer.reset()
			}
			continue
		}
		due, ok := peer.probeTime(false)
		switch {
		case !ok:
		case due.After(now):
			next = min(next, due.Sub(now))
		default:
			p.beginProbe(s, peer, now)
		}
	}
	return next
}
