// Package listen binds the DNS sockets and moves messages between them and a
// Handler.
//
// [Bind] opens every socket or none. [Sockets.Serve] reads queries and writes
// replies until its context ends. What the Handler can answer at once is
// answered in the loop that read it; what it has to wait for, in a goroutine
// for that query alone, so that nothing waits behind it.
//
// # Goroutines
//
// Serve starts one for each socket, each TCP connection and each query that
// waits, and returns when all of them have ended. Connections and the queries
// in flight on each are bounded by [Limits]; the queries in flight in all are
// bounded by the Handler, which knows which ones have to wait.
package listen
