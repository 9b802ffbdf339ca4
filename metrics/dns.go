package metrics

import "github.com/nodedns/nodedns/resolver"

// dns reports the queries. What answered them is one of six sources, and there
// are some twenty response codes: the labels are bounded, whatever clients ask.
func (s scrape) dns(stats resolver.Stats) {
	for _, replies := range stats.Replies {
		s.count(dnsQueries, replies.Count, replies.Source, replies.Rcode)
	}
	s.count(dnsMessages, stats.UDP, "udp")
	s.count(dnsMessages, stats.TCP, "tcp")
	s.count(dnsDropped, stats.Dropped)
	s.count(dnsReceiveDrops, stats.ReceiveDrops)
	s.count(dnsOverloads, stats.Overloads)
	s.count(dnsForwardFailures, stats.ForwardFailures)
	s.set(dnsInFlight, float64(stats.InFlight))
	s.count(dnsCoalesced, stats.Coalesced)
	s.set(tcpConnections, float64(stats.Connections.Open))
	s.set(tcpLimit, float64(stats.Connections.Limit))
	s.count(tcpRefused, stats.Connections.Refused)
	s.set(watchers, float64(stats.Watch.Watchers))
	s.count(watchDrops, stats.Watch.Missed)

	cache := stats.Cache
	s.count(cacheLookups, cache.Hits, "hit")
	s.count(cacheLookups, cache.StaleHits, "stale")
	s.count(cacheLookups, cache.Misses, "miss")
	s.count(cacheInsertions, cache.Insertions)
	s.count(cacheEvictions, cache.Evictions)
	s.set(cacheEntries, float64(cache.Entries))
	s.set(cacheBytes, float64(cache.Bytes))
	s.set(cacheLimit, float64(cache.Limit))
}
