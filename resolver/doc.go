// Package resolver answers DNS queries: from the zone what is ours, and by
// asking upstreams what is not.
//
//	          +-------------- fastpath ----------------+
//	          |                |  ^                    v
//	listen ---+-> wire.Parse -> decision -> wire.Build -> listen
//	                             |  ^                ^
//	                             |  +-- hosts, routes, cache
//	                             v                   |
//	                          forward -> upstream ---+ wire.Rewrite
//
// The way of a query is [Server.Handle]: everyday queries that need no upstream
// are answered by fastpath, where they lie. Any other message becomes a
// wire.Request or is refused for its form. The request is checked, and
// decision.DecideInto makes a verdict: the same on both paths, and only once.
// Package wire makes it a reply at once, or forward does after it asked an
// upstream, once for all that ask the same concurrently. What became of a query
// goes to the querylog, if it is watched.
//
// The parts do not know the Server: each is handed what it uses. A decision looks
// into the tables of hosts and routes and into the cache; wire and fastpath write
// what a verdict has. listen knows nothing of DNS except how messages are
// delimited, and varlink nothing at all: it asks nssresolve, which asks the Server,
// by the same decision. resolvconf finds the machine's upstreams. dnsclient asks any server,
// from outside, and selfcheck this machine's own.
//
// Every query gets an answer within four seconds. What cannot be answered in
// that time is SERVFAIL with an extended error that has the reason; what exceeds a
// bound is SERVFAIL at once, and never waits in a queue.
//
// # Goroutines
//
// [New] and [Server.Listen] start none. [Server.Run] owns those of the
// sockets, connections and queries in flight, and those that follow the hosts
// file and the machine's upstreams, and waits for them. They are also
// what keeps asking when a client got a stale answer, and what fetches popular
// answers again before they expire. Without Run a [Server.Query] runs in its
// caller's.
package resolver
