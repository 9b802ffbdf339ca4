// Package curator watches the nodes of a cluster by the stream of its curator,
// the service that keeps the cluster's state, and tells a [Sink] about them.
//
// # Levels, no edges
//
// What is wanted is a set of levels: the endpoints, the credentials on disk,
// the embedder's [Dialer]. Any of them may be missing, appear, change and
// vanish at any time; none of that is an error, each is a [State]. They are
// made into one plan, and a plan that differs from the one in force ends what
// the old one had going, at once. Nobody is told of a change; everybody looks
// at the newest plan.
//
// # The stream
//
// A stream begins with a backlog of all nodes in chunks. Each chunk is handed
// on as it comes, so the size of the cluster costs no memory here. The last
// one carries a marker, and only with it is the backlog complete: only then
// does absence mean something. Curators too old to send the marker are taken
// to be settled after two seconds of quiet, and their nodes leave by tombstone
// only. What the stream says is passed on as it is; judging it is the zone's
// work. A message that cannot be decoded ends the stream.
//
// # Failures
//
// Endpoints are tried in turn, beginning with the one that answered last. One
// that is not the leader answers Unimplemented, which means the next one. After
// a round without success the watcher waits, with jitter and up to ten seconds.
// So Run returns only when its context ends, and why there is no connection is
// found in [Watcher.Status].
//
// # Goroutines
//
// [Watcher.Run] owns them all and waits for them before it returns. The one
// that called it owns the state of the connection and is the only one to call
// the Sink; one follows the credentials directory; while there is a plan one
// waits for its end, and while there is a stream one receives from it.
package curator
