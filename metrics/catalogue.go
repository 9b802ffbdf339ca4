package metrics

// The metrics. Names, labels and units are promises, which the manual's table of
// them has.
var (
	healthy      = gauge("healthy", "Whether everything that was asked for works, which is when the state is ready.")
	unhealthy    = gauge("unhealthy_reason", "What keeps the daemon from being healthy: 1 for each reason of the verdict.", "reason")
	selfFound    = gauge("self_resolution", "Whether this machine's own name was found at the last look: by dns, at each listener, or by file, in the hosts file.", "by")
	conflict     = gauge("identity_conflict", "Whether another machine has this node's key.")
	taskFailures = counter("task_failures_total", "Times that a part of the service failed and was run again.", "task")

	dnsQueries         = counter("dns_queries_total", "DNS queries by what answered them, and the response code.", "source", "rcode")
	dnsMessages        = counter("dns_messages_total", "DNS messages received, whatever they were.", "transport")
	dnsDropped         = counter("dns_dropped_total", "DNS messages that got no reply: responses, and less than a header.")
	dnsReceiveDrops    = counter("dns_receive_drops_total", "UDP messages that the kernel threw away because they came faster than they were read.")
	dnsOverloads       = counter("dns_overloads_total", "DNS queries refused because too many were in flight.")
	dnsForwardFailures = counter("dns_forward_failures_total", "DNS queries that no upstream answered.")
	dnsInFlight        = gauge("dns_in_flight", "DNS queries that wait for upstreams now.")
	dnsCoalesced       = counter("dns_coalesced_total", "DNS queries that waited for what another one asked the upstreams.")
	dnsListeners       = gauge("dns_listeners", "Addresses to listen on, each over UDP and TCP, by whether they are: listening, waiting for the address, or failed.", "state")
	tcpConnections     = gauge("dns_tcp_connections", "TCP connections of clients that are open.")
	tcpLimit           = gauge("dns_tcp_connections_limit", "TCP connections that may be open.")
	tcpRefused         = counter("dns_tcp_connections_refused_total", "TCP connections closed at once: too many, or too many of one client.")
	watchers           = gauge("dns_watchers", "Watchers of the queries, such as nodedns monitor.")
	watchDrops         = counter("dns_watch_drops_total", "Queries that were answered and not shown to a watcher that reads too slowly.")

	varlinkServed      = gauge("varlink_served", "Whether the socket for glibc's nss-resolve is there; absent where none is configured.")
	varlinkCalls       = counter("varlink_calls_total", "Calls by method, unknown for what there is not, and result: ok, or the error's name.", "method", "result")
	varlinkConnections = gauge("varlink_connections", "Connections to the socket that are open.")
	varlinkRefused     = counter("varlink_connections_refused_total", "Connections to the socket closed at once: too many, or too many of one user.")

	cacheLookups    = counter("cache_lookups_total", "Lookups in the cache by what was found: hit, stale or miss.", "result")
	cacheInsertions = counter("cache_insertions_total", "Answers put into the cache.")
	cacheEvictions  = counter("cache_evictions_total", "Answers that left the cache for want of room.")
	cacheEntries    = gauge("cache_entries", "Answers in the cache, expired ones included.")
	cacheBytes      = gauge("cache_bytes", "Memory that the cached answers take up.")
	cacheLimit      = gauge("cache_limit_bytes", "Memory that the cached answers may take up: two fifths of cache.size, the rest being for the collector of garbage.")

	upstreamQueries  = counter("upstream_queries_total", "Queries sent to an upstream, repeated ones and probes included.", "server")
	upstreamFailures = counter("upstream_failures_total", "Queries to an upstream that came to nothing: timeout, error, rejected, overload or loop.", "server", "kind")
	upstreamInFlight = gauge("upstream_in_flight", "Queries that wait for an upstream now.", "server")
	upstreamState    = gauge("upstream_state", "What is known of an upstream: 1 for the present state.", "server", "state")
	upstreamRTT      = histogram("upstream_rtt_seconds", "Times to an upstream's reply of any kind.", "server")

	zoneNodes       = gauge("zone_nodes", "Nodes in the zone: live, or departed and still answered.", "state")
	zoneQuarantined = gauge("zone_quarantined_entries", "Entries of the cluster that are refused now, so that what was known of their nodes stays.")
	zoneContested   = gauge("zone_contested_addresses", "Addresses that several nodes claim.")
	zoneSerial      = gauge("zone_serial", "Serial of the zone, which grows with each change.")
	zoneReady       = gauge("zone_ready", "Whether names that are not in the zone are known not to exist.")
	savedTimestamp  = gauge("saved_nodes_last_write_timestamp_seconds", "When the saved nodes were written last, in Unix time; absent without them.")
	hostsNames      = gauge("hosts_names", "Names that the user's lines of the hosts file give an address.")
	hostsIgnored    = gauge("hosts_ignored", "Lines and names of the hosts file that do not count in the DNS.")

	curatorConnected = gauge("curator_connected", "Whether the nodes of the cluster are followed.")
	curatorState     = gauge("curator_state", "The state of the connection to the cluster: 1 for the present one.", "state")
	curatorDataAge   = gauge("curator_data_age_seconds", "Age of the knowledge of the cluster's nodes: 0 while it is followed, absent before it ever was.")
	curatorAttempts  = counter("curator_attempts_total", "Attempts to reach a curator.")
	curatorFailures  = counter("curator_failures_total", "Attempts that failed, and connections that were lost.")
	curatorMoves     = counter("curator_moves_total", "Moves to another curator because that one leads.")
	curatorReported  = gauge("curator_leader_reports", "Curators by which leader they report: leads (itself), follows (another one), none, or unheard.", "state")
	curatorRefused   = counter("curator_refused_total", "Nodes of the cluster that were not heard as curators, by why: wrong_node, not_entitled, or not_member.", "reason")
	curatorReports   = counter("curator_reports_total", "Reports of this node's address to the cluster, by whether it took them: ok or failed.", "result")
	curatorEvents    = counter("curator_events_total", "Events received from curators.")
	certificateEnd   = gauge("certificate_expiry_timestamp_seconds", "When a certificate that is in use expires, in Unix time: the cluster's, this node's, or the connected curator's.", "certificate")

	fileUpToDate      = gauge("file_up_to_date", "Whether a managed file is what it should be.", "path")
	fileWritten       = gauge("file_last_success_timestamp_seconds", "When a file last became what it should be, or was found so at the start, in Unix time; absent while it is not.", "path")
	fileWrites        = counter("file_writes_total", "Writes of a managed file.", "path")
	fileWriteFailures = counter("file_write_failures_total", "Failed attempts to bring a managed file up to date.", "path")

	resolvConfManaged    = gauge("resolv_conf_managed", "Whether resolv.conf points at nodedns.")
	resolvConfOverwrites = counter("resolv_conf_overwrites_total", "Times that another program overwrote resolv.conf while it was managed.")
)

// all are what a Collector describes.
var all = []*metric{
	healthy, unhealthy, selfFound, conflict, taskFailures,
	dnsQueries, dnsMessages, dnsDropped, dnsReceiveDrops, dnsOverloads, dnsForwardFailures, dnsInFlight, dnsCoalesced,
	dnsListeners, tcpConnections, tcpLimit, tcpRefused, watchers, watchDrops,
	varlinkServed, varlinkCalls, varlinkConnections, varlinkRefused,
	cacheLookups, cacheInsertions, cacheEvictions, cacheEntries, cacheBytes, cacheLimit,
	upstreamQueries, upstreamFailures, upstreamInFlight, upstreamState, upstreamRTT,
	zoneNodes, zoneQuarantined, zoneContested, zoneSerial, zoneReady, savedTimestamp, hostsNames, hostsIgnored,
	curatorConnected, curatorState, curatorDataAge, curatorAttempts, curatorFailures, curatorMoves, curatorReported, curatorRefused, curatorReports, curatorEvents, certificateEnd,
	fileUpToDate, fileWritten, fileWrites, fileWriteFailures,
	resolvConfManaged, resolvConfOverwrites,
}
