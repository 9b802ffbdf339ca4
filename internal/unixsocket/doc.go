// Package unixsocket makes UNIX sockets that one process serves, and identifies the
// process at their other end.
//
// A path is taken only where no process serves it. Two that use this package
// are kept apart by a lock beside the socket, which goes with the process,
// however that ends; others are detected by connecting to them. What a killed
// process left behind is replaced. At the end only our own socket is removed.
//
// The package starts no goroutines.
package unixsocket
