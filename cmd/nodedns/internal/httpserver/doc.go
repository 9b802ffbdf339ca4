// Package httpserver serves HTTP to untrusted clients: the control socket and
// the metrics.
//
// Whatever a client does, it holds a bounded number of connections, each with
// bounded headers and for a bounded time. [Serve] owns the goroutines of a
// listener and its connections.
package httpserver
