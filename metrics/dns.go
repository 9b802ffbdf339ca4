package metrics

import (
	"cmp"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/resolver/listen"
)

// dnsMetrics are about the queries. What answered them is one of six sources, and
// there are some twenty response codes: the labels are bounded, whatever clients
// send.
var dnsMetrics = []*metric{
	counter("dns_queries_total", "DNS queries by what answered them, and the response code.", func(s *scrape, m series) {
		for _, replies := range s.Replies {
			m.count(replies.Count, replies.Source, replies.Rcode)
		}
	}, "source", "rcode"),
	counter("dns_messages_total", "DNS messages received, whatever they were.", func(s *scrape, m series) {
		m.count(s.UDP, "udp")
		m.count(s.TCP, "tcp")
	}, "transport"),
	counter("dns_dropped_total", "DNS messages that got no reply: responses, and less than a header.", func(s *scrape, m series) { m.count(s.Dropped) }),
	counter("dns_receive_drops_total", "UDP messages that the kernel threw away because they came faster than they were read.", func(s *scrape, m series) { m.count(s.ReceiveDrops) }),
	counter("dns_overloads_total", "DNS queries refused because too many were in flight.", func(s *scrape, m series) { m.count(s.Overloads) }),
	counter("dns_forward_failures_total", "DNS queries that no upstream answered.", func(s *scrape, m series) { m.count(s.ForwardFailures) }),
	gauge("dns_in_flight", "DNS queries that wait for upstreams now.", func(s *scrape, m series) { m.size(s.InFlight) }),
	counter("dns_coalesced_total", "DNS queries that waited for what another one asked the upstreams.", func(s *scrape, m series) { m.count(s.Coalesced) }),
	gauge("dns_listeners", "Addresses to listen on, each over UDP and TCP, by whether they are: listening, waiting for the address, or failed.", func(s *scrape, m series) {
		states := map[listen.State]int{listen.Listening: 0, listen.Waiting: 0, listen.Failed: 0}
		for _, l := range s.ListenerStatus {
			states[l.State]++
		}
		for state, n := range states {
			m.size(n, string(state))
		}
	}, "state"),
	gauge("dns_tcp_connections", "TCP connections of clients that are open.", func(s *scrape, m series) { m.size(s.Connections.Open) }),
	gauge("dns_tcp_connections_limit", "TCP connections that may be open.", func(s *scrape, m series) { m.size(s.Connections.Limit) }),
	counter("dns_tcp_connections_refused_total", "TCP connections closed at once: too many, or too many of one client.", func(s *scrape, m series) { m.count(s.Connections.Refused) }),
	gauge("dns_watchers", "Watchers of the queries, such as nodedns monitor.", func(s *scrape, m series) { m.size(s.Watch.Watchers) }),
	counter("dns_watch_drops_total", "Queries that were answered and not shown to a watcher that reads too slowly.", func(s *scrape, m series) { m.count(s.Watch.Missed) }),
	counter("cache_lookups_total", "Lookups in the cache by what was found: hit, stale or miss.", func(s *scrape, m series) {
		m.count(s.Cache.Hits, "hit")
		m.count(s.Cache.StaleHits, "stale")
		m.count(s.Cache.Misses, "miss")
	}, "result"),
	counter("cache_insertions_total", "Answers put into the cache.", func(s *scrape, m series) { m.count(s.Cache.Insertions) }),
	counter("cache_evictions_total", "Answers that left the cache for want of room.", func(s *scrape, m series) { m.count(s.Cache.Evictions) }),
	gauge("cache_entries", "Answers in the cache, expired ones included.", func(s *scrape, m series) { m.size(s.Cache.Entries) }),
	gauge("cache_bytes", "Memory that the cached answers take up.", func(s *scrape, m series) { m.set(float64(s.Cache.Bytes)) }),
	gauge("cache_limit_bytes", "Memory that the cached answers may take up: two fifths of cache.size, the rest being for the collector of garbage.", func(s *scrape, m series) { m.set(float64(s.Cache.Limit)) }),
	gauge("varlink_served", "Whether the socket for glibc's nss-resolve is there; absent where none is configured.", ofVarlink(func(v *nodedns.VarlinkStatus, m series) { m.is(v.Error == "") })),
	counter("varlink_calls_total", "Calls by method, unknown for what there is not, and result: ok, or the error's name.", ofVarlink(func(v *nodedns.VarlinkStatus, m series) {
		// Methods and errors are those that exist, not what clients name.
		for _, calls := range v.Calls {
			m.count(calls.Count, cmp.Or(calls.Method, "unknown"), cmp.Or(calls.Error, "ok"))
		}
	}), "method", "result"),
	gauge("varlink_connections", "Connections to the socket that are open.", ofVarlink(func(v *nodedns.VarlinkStatus, m series) { m.size(v.Connections) })),
	counter("varlink_connections_refused_total", "Connections to the socket closed at once: too many, or too many of one user.", ofVarlink(func(v *nodedns.VarlinkStatus, m series) { m.count(v.Refused) })),
}

// ofVarlink reads the socket, where there is one.
func ofVarlink(read func(*nodedns.VarlinkStatus, series)) reading {
	return func(s *scrape, m series) {
		if s.Varlink != nil {
			read(s.Varlink, m)
		}
	}
}
