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
// reports of them. For every other node the sources of a cluster outrank those of
// files, each kind in the order in which they were made. What was saved at an earlier
// run comes last, except that what it had of a cluster outranks files until the
// cluster has been heard. What an outranked source reports is kept, and takes effect when the other drops the
// node. A statement without an address keeps the last one known. A node that all
// its sources have dropped, by a tombstone or a backlog without it, is departed:
// marked, and answered until the retention is over. Another cluster of one source
// drops that source's nodes only.
//
// What a source reports is not trusted: an entry whose name or address cannot
// be published is refused on its own, counted, and what was known of the node
// before stays.
//
// # Readable names
//
// Besides its ID a node has names that people choose: one that it gives to itself in
// its cluster, and those that files of the operator give to it, or that are its ID
// there. Both count, whichever source takes precedence. Of several nodes with one
// name a live one has it before one that departed, then one of a file, then the one
// that had it before; where none had it before, none has it.
//
// # Concurrency
//
// All methods of Store, Source and Snapshot may be called from any goroutine.
// The package starts no goroutine; [Store.Run] is the only one it needs.
//
// It imports the standard library only.
package zone
