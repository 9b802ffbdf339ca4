// Package upstream asks other servers.
//
// A [Forwarder] asks the given servers in turn, each over UDP and, when its
// reply was truncated, over TCP, until one has a usable answer or the time is
// over. Each exchange has a socket of its own: a random port and a random ID
// for each query in flight, and a kernel that drops what comes from elsewhere.
// A reply that does not fit the query is ignored while the wait goes on, so
// that a forger who is faster does not win.
//
// # Goroutines
//
// The package starts none. Forward blocks its caller for at most its time
// limit, and returns early when the caller's context ends. How many queries
// are in flight is for the caller to bound.
package upstream
