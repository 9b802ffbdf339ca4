// Package zone holds what a machine knows of its own name and of those of its
// cluster's other nodes.
//
// Sources report what they know to a [Store], which keeps one layer for each. The
// Store checks every statement, merges the layers and publishes the result as
// an immutable [Snapshot] behind one atomic pointer. Data flows one way:
//
//	sources -> Store -> Snapshot -> readers
//
// A reader takes the newest snapshot whenever it likes, without a lock, and
// keeps it for as long as it likes; a slow one skips snapshots and never blocks
// a source. A statement that changes nothing publishes nothing.
//
// # The rules of the merge
//
// The local layer decides the addresses of our own name, whatever the cluster
// reports of them. For every other name the source made earlier outranks the one
// made later, and both outrank what was saved at an earlier run. What an
// outranked source reports is kept, and takes effect when the other drops the
// node. A statement without an address keeps the last one known. A node that all
// its sources have dropped, by a tombstone or a backlog without it, is departed:
// marked, and answered until the retention is over. Another cluster of one source
// drops that source's nodes only.
//
// What a source reports is not trusted: an entry whose name or address cannot
// be published is refused on its own, counted, and what was known of the node
// before stays.
//
// # Concurrency
//
// All methods of Store, Source and Snapshot may be called from any goroutine.
// The package starts no goroutine; [Store.Run] is the only one it needs.
//
// It imports the standard library only.
package zone
