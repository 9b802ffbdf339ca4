// Package varlink implements the varlink protocol on UNIX sockets, and the
// interfaces of it that glibc's nss-resolve and resolvectl use.
//
// A message is a JSON object and a NUL (https://varlink.org). A [Server] offers
// a set of interfaces on one socket: [Resolve] resolves names and addresses,
// org.varlink.service lists the interfaces. The answers come from a [Resolver];
// the package is independent of DNS. A [Client] calls such a socket, of any
// server.
//
// # Hostile clients
//
// Every user of the machine may connect. The connections are bounded, for each
// user and in all, as are the size of a message and the time for it. The calls
// of one connection are answered one by one, in sequence: a client that sends
// more waits in the kernel's buffers, and nothing is queued here. Whatever is
// not a well-formed call ends its connection.
//
// # The end
//
// When a Server ends, the socket is removed and all connections are closed at
// once: nss-resolve then reports that there is no service, and the C library goes
// on with its other sources.
//
// # Goroutines
//
// [New] and [Server.Listen] start none. [Server.Run] owns one for each
// connection and two of its own, and waits for all of them.
package varlink
