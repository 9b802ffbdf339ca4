package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/watchers/curator"
)

// Collector makes metrics of what the service says. Its functions may be
// called from any goroutine.
type Collector struct {
	Status func() nodedns.Status
	Stats  func() resolver.Stats
	// Version of the program, and of the Go that built it.
	Version, GoVersion string
}

// metric is one metric's name and labels.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func counter(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("nodedns_"+name, help, labels, nil), prometheus.CounterValue}
}

func gauge(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("nodedns_"+name, help, labels, nil), prometheus.GaugeValue}
}

// histogram is a metric whose values come from [rtt] and the like.
func histogram(name, help string, labels ...string) metric {
	return metric{desc: prometheus.NewDesc("nodedns_"+name, help, labels, nil)}
}

var (
	buildInfo = gauge("build_info", "The version that runs; always 1.", "version", "goversion")
	conflict  = gauge("identity_conflict", "Whether another machine has this node's key.")
	healthy   = gauge("healthy", "Whether everything that was asked for works.")

	dnsQueries         = counter("dns_queries_total", "DNS queries by what answered them, and the response code.", "source", "rcode")
	dnsMessages        = counter("dns_messages_total", "DNS messages received, whatever they were.", "transport")
	dnsDropped         = counter("dns_dropped_total", "DNS messages that got no reply: responses, and less than a header.")
	dnsReceiveDrops    = counter("dns_receive_drops_total", "UDP messages that the kernel threw away because they came faster than they were read.")
	dnsOverloads       = counter("dns_overloads_total", "DNS queries refused because too many were in flight.")
	dnsForwardFailures = counter("dns_forward_failures_total", "DNS queries that no upstream answered.")
	dnsInFlight        = gauge("dns_in_flight", "DNS queries that wait for upstreams now.")
	dnsCoalesced       = counter("dns_coalesced_total", "DNS queries that waited for what another one asked the upstreams.")

	cacheLookups    = counter("cache_lookups_total", "Lookups in the cache by what was found: hit, stale or miss.", "result")
	cacheInsertions = counter("cache_insertions_total", "Answers put into the cache.")
	cacheEvictions  = counter("cache_evictions_total", "Answers that left the cache for want of room.")
	cacheEntries    = gauge("cache_entries", "Answers in the cache, expired ones included.")
	cacheBytes      = gauge("cache_bytes", "Memory that the cached answers take up.")

	upstreamQueries  = counter("upstream_queries_total", "Queries sent to an upstream, repeated ones and probes included.", "server")
	upstreamFailures = counter("upstream_failures_total", "Queries to an upstream that came to nothing: timeout, error, rejected, overload or loop.", "server", "kind")
	upstreamInFlight = gauge("upstream_in_flight", "Queries that wait for an upstream now.", "server")
	upstreamState    = gauge("upstream_state", "What is known of an upstream: 1 for the present state.", "server", "state")
	upstreamRTT      = histogram("upstream_rtt_seconds", "Times to an upstream's reply of any kind.", "server")

	zoneNodes     = gauge("zone_nodes", "Nodes in the zone, and entries that were refused as quarantined.", "state")
	zoneContested = gauge("zone_contested_addresses", "Addresses that several nodes claim.")
	zoneSerial    = gauge("zone_serial", "Serial of the zone, which grows with each change.")
	zoneReady     = gauge("zone_ready", "Whether names that are not in the zone are known not to exist.")

	curatorConnected = gauge("curator_connected", "Whether the nodes of the cluster are followed.")
	curatorState     = gauge("curator_state", "The state of the connection to the cluster: 1 for the present one.", "state")
	curatorDataAge   = gauge("curator_data_age_seconds", "Age of the knowledge of the cluster's nodes: 0 while it is followed, absent before it ever was.")
	curatorAttempts  = counter("curator_attempts_total", "Attempts to reach a curator.")
	curatorFailures  = counter("curator_failures_total", "Attempts that failed, and connections that were lost.")
	curatorMoves     = counter("curator_moves_total", "Moves to another curator because that one leads.")
	curatorHeard     = gauge("curator_voices", "Curators by what they say of who leads: leads, follows, nobody, or unheard.", "says")
	curatorReports   = counter("curator_reports_total", "Reports of this node's address to the cluster, by whether it took them.", "result")
	curatorEvents    = counter("curator_events_total", "Events received from curators.")

	fileWrites        = counter("file_writes_total", "Writes of a file that is kept.", "path")
	fileWriteFailures = counter("file_write_failures_total", "Failed attempts to bring a file into order.", "path")

	resolvConfOurs   = gauge("resolv_conf_ours", "Whether resolv.conf points at us.")
	resolvConfFights = counter("resolv_conf_fights_total", "Times that somebody else overwrote resolv.conf while it was ours.")
)

var all = []metric{
	buildInfo, healthy, conflict,
	dnsQueries, dnsMessages, dnsDropped, dnsReceiveDrops, dnsOverloads, dnsForwardFailures, dnsInFlight, dnsCoalesced,
	cacheLookups, cacheInsertions, cacheEvictions, cacheEntries, cacheBytes,
	upstreamQueries, upstreamFailures, upstreamInFlight, upstreamState, upstreamRTT,
	zoneNodes, zoneContested, zoneSerial, zoneReady,
	curatorConnected, curatorState, curatorDataAge, curatorAttempts, curatorFailures, curatorMoves, curatorHeard, curatorReports, curatorEvents,
	fileWrites, fileWriteFailures,
	resolvConfOurs, resolvConfFights,
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range all {
		out <- m.desc
	}
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	say := func(m metric, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(m.desc, m.kind, value, labels...)
	}
	status := c.Status()
	say(buildInfo, 1, c.Version, c.GoVersion)
	say(healthy, truth(status.State == nodedns.StateReady))
	say(conflict, truth(status.Conflict != ""))
	sayDNS(say, c.Stats())
	for _, upstream := range status.UpstreamStatus {
		sayUpstream(say, upstream)
		out <- rtt(upstream)
	}
	say(zoneNodes, float64(status.Nodes.Live), "live")
	say(zoneNodes, float64(status.Nodes.Departed), "departed")
	say(zoneNodes, float64(status.Nodes.Quarantined), "quarantined")
	say(zoneContested, float64(status.Nodes.Contested))
	say(zoneSerial, float64(status.Serial))
	say(zoneReady, truth(status.Ready))
	sayCurator(say, status.Curator)
	for _, file := range status.Files {
		say(fileWrites, float64(file.Writes), file.Path)
		say(fileWriteFailures, float64(file.Failures), file.Path)
	}
	if r := status.ResolvConf; r != nil {
		say(resolvConfOurs, truth(r.State == resolvconf.StateStub))
		say(resolvConfFights, float64(r.Fights))
	}
}

func sayDNS(say func(metric, float64, ...string), s resolver.Stats) {
	for _, replies := range s.Replies {
		say(dnsQueries, float64(replies.Count), replies.Source, replies.Rcode)
	}
	say(dnsMessages, float64(s.UDP), "udp")
	say(dnsMessages, float64(s.TCP), "tcp")
	say(dnsDropped, float64(s.Dropped))
	say(dnsReceiveDrops, float64(s.ReceiveDrops))
	say(dnsOverloads, float64(s.Overloads))
	say(dnsForwardFailures, float64(s.ForwardFailures))
	say(dnsInFlight, float64(s.InFlight))
	say(dnsCoalesced, float64(s.Coalesced))
	say(cacheLookups, float64(s.Cache.Hits), "hit")
	say(cacheLookups, float64(s.Cache.StaleHits), "stale")
	say(cacheLookups, float64(s.Cache.Misses), "miss")
	say(cacheInsertions, float64(s.Cache.Insertions))
	say(cacheEvictions, float64(s.Cache.Evictions))
	say(cacheEntries, float64(s.Cache.Entries))
	say(cacheBytes, float64(s.Cache.Bytes))
}

func sayCurator(say func(metric, float64, ...string), c nodedns.CuratorStatus) {
	connected := c.State == curator.StateConnected
	say(curatorConnected, truth(connected))
	for _, row := range curator.States() {
		say(curatorState, truth(c.State == row.State), string(row.State))
	}
	voices := map[string]int{"leads": 0, "follows": 0, "nobody": 0, "unheard": 0}
	for _, said := range c.Curators {
		voices[voiceOf(said)]++
	}
	for says, n := range voices {
		say(curatorHeard, float64(n), says)
	}
	switch {
	case connected:
		say(curatorDataAge, 0)
	case c.DataSince != nil:
		// The wall clock may have been set back meanwhile.
		say(curatorDataAge, max(0, time.Since(*c.DataSince).Seconds()))
	}
	say(curatorAttempts, float64(c.Counters.Attempts))
	say(curatorFailures, float64(c.Counters.Failures))
	say(curatorMoves, float64(c.Counters.Moves))
	say(curatorReports, float64(c.Counters.Reports), "ok")
	say(curatorReports, float64(c.Counters.ReportFailures), "failed")
	say(curatorEvents, float64(c.Counters.Events))
}

// voiceOf sorts what a curator says.
func voiceOf(said nodedns.CuratorStatement) string {
	switch {
	case said.Error != "":
		return "unheard"
	case said.Leader == "":
		return "nobody"
	case said.Leader == said.NodeID:
		return "leads"
	}
	return "follows"
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
