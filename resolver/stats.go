package resolver

import (
	"sync/atomic"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/querylog"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/listen"
)

// rcodes is the number of response codes that are counted separately.
// BADCOOKIE, 23, is the last in use; larger codes are counted with it.
const rcodes = 24

// counters are what Stats reads.
type counters struct {
	replies  [decision.Sources][rcodes]atomic.Uint64
	udp, tcp atomic.Uint64
	dropped  atomic.Uint64
}

func (c *counters) received(tcp bool) {
	if tcp {
		c.tcp.Add(1)
	} else {
		c.udp.Add(1)
	}
}

func (c *counters) replied(source decision.Source, rcode int) {
	c.replies[source][min(rcode, rcodes-1)].Add(1)
}

// ReplyCount is the number of replies of one kind.
type ReplyCount struct {
	Source string // zone, hosts, special, upstream, cache, or request: refused before the decision
	Rcode  string // such as NOERROR
	Count  uint64
}

// Stats count since the Server was made. Of lookups without a socket
// they count only failures and what is in flight.
type Stats struct {
	Replies         []ReplyCount // of the kinds that occurred
	UDP, TCP        uint64       // messages received
	Dropped         uint64       // messages without a reply: responses, and those shorter than a header
	ReceiveDrops    uint64       // UDP messages that the kernel dropped because a buffer was full
	Overloads       uint64       // refused because too many were in flight
	ForwardFailures uint64       // no upstream answered
	InFlight        int          // waiting for upstreams now
	Coalesced       uint64       // waited for what another query asked the upstreams
	Connections     listen.Connections
	Watch           querylog.Stats
	Cache           cache.Stats
}

// Stats returns the counters. They are read one by one, so what happens
// meanwhile may be counted in one and not in another.
func (s *Server) Stats() Stats {
	c, fast := &s.counters, s.tallies.sum()
	stats := Stats{
		UDP:             c.udp.Load() + fast.udp(),
		TCP:             c.tcp.Load() + fast.tcp.Load(),
		Dropped:         c.dropped.Load(),
		ReceiveDrops:    s.receiveDrops(),
		Overloads:       s.forward.Counts.Overloads.Load(),
		ForwardFailures: s.forward.Counts.Failures.Load(),
		InFlight:        len(s.forward.InFlight),
		Coalesced:       s.forward.Counts.Coalesced.Load(),
		Connections:     s.connections(),
		Watch:           s.observer.log.Stats(),
		Cache:           s.cache.Stats(),
	}
	for source := range decision.Sources {
		for rcode := range c.replies[source] {
			n := c.replies[source][rcode].Load()
			if rcode < plainRcodes {
				n += fast.replies[source][rcode].Load()
			}
			if n > 0 {
				stats.Replies = append(stats.Replies, ReplyCount{source.String(), wire.RcodeName(rcode), n})
			}
		}
	}
	return stats
}
