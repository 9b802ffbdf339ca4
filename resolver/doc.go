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
// A query enters at [Server.Handle]: everyday queries that need no upstream are
// answered by fastpath, in their buffer. Any other message becomes a
// wire.Request or is refused for its form. The request is checked, and
// decision.DecideInto makes a verdict: the same on both paths, and only once.
// Package wire makes it a reply at once, or forward does after it asked an
// upstream, once for all concurrent queries that are the same. What an upstream's
// aliases lead to, beyond its own names, is decided on as another query. The
// outcome of a query goes to the querylog, if it is watched.
//
// The packages do not depend on the Server: each is passed what it uses. A
// decision consults the tables of hosts and routes and the cache; wire and
// fastpath encode a verdict. listen knows nothing of DNS except how messages
// are delimited, and varlink nothing at all: it calls nssresolve, which calls
// the Server, for the same decision. So does inspect, which shows what a name
// resolves to, and why. resolvconf finds the machine's upstreams.
// dnsclient asks any server, from outside, and selfcheck this machine's own.
//
// Every query gets an answer within four seconds. What cannot be answered in
// that time is SERVFAIL with an extended error that has the reason; what exceeds a
// bound is SERVFAIL at once, and never waits in a queue.
//
// # Goroutines
//
// [New] and [Server.Listen] start none. [Server.Run] owns those of the
// sockets, connections and queries in flight, and those that follow the hosts
// file and the machine's upstreams, and waits for them. They also continue an
// exchange after a client got a stale answer, and prefetch popular answers
// before they expire. Without Run a [Lookup] runs in its caller's goroutine.
package resolver
