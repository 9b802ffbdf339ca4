// Package upstream queries other servers.
//
// A [Pool] holds the servers in use and the state of each. A [Group] is a list
// of them, and [Group.Exchange] is one query to it: a race in which each server
// has a part, from when those before it have failed or are late. A part is an
// attempt, with as many tries as it takes.
//
//	Group.Exchange -> race -> part -> attempt -> session -> transport
//	                   |       |        |
//	                 order   misses   replies     Pool.Run -> probes
//	                   |       |        |                       |
//	                   +-------+-> peer <-----------------------+
//
// # Invariants
//
//   - A query takes at most [Total]. A server gets it three times at most over UDP
//     and then once over TCP; over a connection that ends or is silent it is sent
//     again, three times in all (RFC 9520, section 3.1).
//   - An answer counts only if no earlier server of the list may still be in
//     time.
//   - What is learnt of a server is learnt by probes: that it is down, and which
//     form of EDNS it takes. What it does with a name says something of the name.
//   - Over UDP each attempt has a socket of its own, with a random port and a
//     random ID. What does not fit the query is ignored while the wait goes on,
//     so that a faster forger does not win.
//   - A server that dies costs three queries their wait until it is late, and no
//     other: those in the middle of a race end their wait with theirs. Early queries
//     to a later server are a bounded share of all.
//   - What exceeds a limit takes the place of what has been late for the longest,
//     or fails at once. Nothing is queued.
//   - A server that sends our queries back to us is not queried.
//
// # Goroutines
//
// [Pool.Run] owns all that outlives an Exchange: probes, connections, and
// the wait for a late reply. Without Run an Exchange owns its own and waits for
// them. The exception is net/http, whose connections are closed at the end but
// not waited for.
package upstream
