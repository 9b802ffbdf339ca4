// Package upstream queries other servers.
//
// A [Pool] holds the servers in use and the state of each. A [Group] is a list
// of them, any of which may answer, and [Group.Exchange] is one query to it: a
// race of attempts, each with one server.
//
//	Group.Exchange -> race -> attempt -> session -> transport
//	                   |         |
//	                 order     notes     Pool.Run -> probes
//	                   |         |                    |
//	                   +-------> peer <---------------+
//
// # Invariants
//
//   - A query takes at most [Total], and at most twelve attempts.
//   - Over UDP each attempt has a socket of its own, with a random port and a
//     random ID. What does not fit the query is ignored while the wait goes on,
//     so that a faster forger does not win.
//   - A server that does not answer costs the query that finds out, and no
//     other: from then on the rest are queried first, and probes detect when it
//     is back. A query is repeated after a time that follows the server's own;
//     earlier repetitions, for speed alone, are a bounded share of all queries.
//   - What exceeds a limit fails at once. Nothing is queued.
//   - A server that sends our queries back to us is not queried.
//
// # Goroutines
//
// [Pool.Run] owns all that outlives an Exchange: probes, connections, and
// attempts that were overtaken but still measure how slow a server is. Without Run
// an Exchange owns its own and waits for them. The exception is net/http, whose
// connections are closed at the end but not waited for.
package upstream
