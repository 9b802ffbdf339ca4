// Package querylog publishes the outcome of each query to its watchers.
//
//	query path -> Log.Publish -> buffer of each Watcher -> Watcher.Next -> reader
//
// The query path asks [Log.Watched] first, which is one load of memory that is
// hardly ever written to, and publishes nothing while that is false. Otherwise it
// makes an [Entry] and publishes it, which copies it into a buffer of each
// watcher. It never waits for a reader: an entry without room there is lost to
// that watcher, which gets the number of entries that it missed.
//
// An Entry has values as the query path has them, and the reply as it was sent.
// Its reader formats it, off the query path.
//
// # Bounds
//
// There are at most [MaxWatchers] concurrently. Each holds up to 2048 entries
// whose replies and extended errors have 512 KiB, twice: once to be read and once
// to be filled meanwhile.
//
// # Goroutines
//
// The package starts none. A Log is for any number of goroutines, a Watcher for
// one reader.
package querylog
