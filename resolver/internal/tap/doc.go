// Package tap tells whoever watches what became of each query.
//
//	query path -> Taps.Tell -> buffer of each Watcher -> Watcher.Next -> reader
//
// Whoever answers queries asks [Taps.Watched] first, which is one load of memory
// that nobody writes to, and tells nothing while that is false. Otherwise it
// makes an [Event] and tells it, which copies it into a buffer of each watcher.
// It never waits for a reader: what has no room there is lost to that watcher,
// who is told how many it missed.
//
// An Event has values as the query path has them, and the reply as it was sent.
// Texts are made of it by whoever reads it, in its own time.
//
// # Bounds
//
// There are at most [MaxWatchers] at a time. Each holds up to 2048 events whose
// replies and extended errors have 512 KiB, twice: once to be read and once
// to be filled meanwhile.
//
// # Goroutines
//
// The package starts none. A Taps is for any number of goroutines, a Watcher for
// one reader.
package tap
