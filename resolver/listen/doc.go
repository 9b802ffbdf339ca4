// Package listen binds the DNS sockets and moves messages between them and a
// Handler.
//
// [Bind] opens every socket or none. [Sockets.Serve] reads queries and writes
// replies until its context ends, and then answers what is left. What the
// Handler can answer at once is answered in the loop that read it; what it has
// to wait for, in a goroutine for that query alone, so that nothing waits behind
// it.
//
// # Addresses that come and go
//
// An address that this machine does not have is not a failure: its listener
// waits. The kernel's notifications of links and addresses are hints to retry;
// whether an address is there is decided by whether the kernel binds it. Its
// sockets are closed when it has gone, and so opened again where the interface
// of a link-local address was replaced by another of that name. No listener is
// affected by another. ADR 0019 has the reasons.
//
// # The cost of a query
//
// One system call receives up to 32 messages over UDP and another sends the
// replies, and over TCP the replies to pipelined queries leave together. The
// path of a query that needs no waiting has no allocation, no lock, no
// goroutine switch of its own, and no system call that the Go runtime is
// notified of: such a call wakes the runtime's monitoring thread, which costs
// more than the query. ADR 0012 has the figures.
//
// # Goroutines
//
// Serve starts one for each socket, each TCP connection and each query that
// waits, one for each listener whose address may go, and two for the kernel's
// notifications if there are any such. It returns when all of them have ended.
// Connections and the queries in flight on each are bounded by [Limits]; the
// queries in flight in all are bounded by the Handler, which knows which ones
// have to wait.
package listen
