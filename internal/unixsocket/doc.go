// Package unixsocket makes UNIX sockets that one process serves, and identifies the
// process at their other end.
//
// A path is taken only where no process serves it. Two that use this package
// are kept apart by a lock beside the socket, which goes with the process,
// however that ends; others are noticed by asking them for a connection. What a
// process left behind that was killed is replaced. At the end only what is our
// own is removed.
//
// The package starts no goroutines.
package unixsocket
