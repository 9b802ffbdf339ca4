// Package resolver answers DNS queries: from the zone what is ours, and by
// asking upstreams what is not.
//
//	          +-------------- fastpath -------------+
//	          |                |  ^                 v
//	listen ---+-> request -> decision -> reply -> listen
//	                        |  ^
//	                        |  +---- hosts, routes, cache
//	                        v                         ^
//	                      flight -> upstream ---------+
//
// Everyday queries that need no upstream are answered by package fastpath,
// without being taken apart. Any other message becomes a request or is turned
// down for its form. The request is checked, and [decision.Decide] says what it
// gets: the same on both paths, and only once. The verdict is made into a reply,
// at once or after an upstream was asked, which is done once for all who ask the
// same at a time. The sub-packages do not know each other, except that a
// decision looks into the tables of hosts and routes and into the cache, that
// fastpath writes what a verdict says, and resolvconf, which finds the machine's
// upstreams and writes ours down, knows what an upstream is, and that tap, which
// tells of what became of each query, knows what a verdict names. listen knows
// nothing of DNS except how messages are delimited, and varlink nothing at all:
// the Server is what it asks, by the same decision. unixsocket makes its
// sockets.
//
// Every query gets an answer within four seconds. What cannot be answered in
// that time is SERVFAIL with an extended error that says why; what exceeds a
// bound is SERVFAIL at once, and never waits in a queue.
//
// # Goroutines
//
// [New] and [Server.Listen] start none. [Server.Run] owns those of the
// sockets, connections and queries in flight, and those that follow the hosts
// file and the machine's upstreams, and waits for them. They are also
// what keeps asking when a client got a stale answer, and what fetches popular
// answers anew before they expire. Without Run a [Server.Query] runs in its
// caller's, as do [Server.ResolveHostname] and [Server.ResolveAddress], which
// ask for two families at a time and wait for both.
package resolver
