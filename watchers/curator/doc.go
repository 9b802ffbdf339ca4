// Package curator watches the nodes of a cluster by the stream of its curator,
// the service that keeps the cluster's state, and passes them to a [Sink].
//
// # Levels, not edges
//
// What is wanted is a set of levels: the endpoints, the credentials on disk,
// the embedder's [Dialer]. Any of them may be missing, appear, change and
// vanish at any time; none of that is an error, each is a [State]. They are
// made into one plan, and a plan that differs from the one in force ends what
// the old one had going, at once. Changes are not passed on one by one: every
// goroutine looks at the newest plan.
//
// # The stream
//
// A stream begins with a backlog of all nodes in chunks. Each chunk is handed
// on as it comes, so the size of the cluster costs no memory here. The last
// one carries a marker, and only with it is the backlog complete: only then
// does absence mean something. Curators too old to send the marker count as
// settled after two seconds without events, and their nodes leave by tombstone
// only. What the stream delivers is passed on as it is; checking it is the zone's
// work. A message that cannot be decoded ends the stream.
//
// # Who may speak
//
// A certificate of the CA proves the identity of a node and not that it is a
// curator. The type authority decides which nodes are accepted, with the TLS
// handshake, from pinned endpoints, the consensus members of the last accepted
// backlog, what an operator decided, and the node that these name as leader. The
// type roster reads the members from a stream, and holds back one whose sender
// has not listed itself.
//
// # The leader
//
// Only the curator that leads delivers the stream. Each curator that may speak,
// at an endpoint or at its own address, reports over a stream of its own which
// one leads; its report counts for as long as that stream is open and the
// curator may speak. The leader is the one that most of them name, and on a tie
// the present one. When that is not the one that is followed, the watcher
// reconnects there. Curators that do not report, or do not agree with what is
// found, are tried in turn: one that is not the leader answers Unimplemented,
// which means the next one.
//
// # Connections
//
// All calls to a curator share one connection, which outlives its streams while the
// curator is watched, or followed: gRPC remembers with it which interval of pings
// the curator takes. Which node answers is checked with the handshake, and again
// for each call. An embedder's [Dialer] may return a connection of its own.
//
// # Failures
//
// After a round without success the watcher waits, with jitter and up to ten
// seconds, unless a leader is found earlier. So Run returns only when its
// context ends, and why there is no connection is found in [Watcher.Status].
// The states and what leads from one to another are in the table of [States].
//
// # Goroutines
//
// [Watcher.Run] owns them all and waits for them before it returns. The goroutine
// that called it owns the state of the connection and is the only one to call the
// Sink. One follows the credentials directory, and one saves which curators may
// speak. While there is a plan, one waits for its end, one watches each curator
// and one finds which these are, and one waits for the leader to change; while
// there is a stream, one receives from it.
package curator
