// Package control is the protocol between the daemon and the other commands:
// HTTP/1.1 with JSON on a UNIX socket.
//
//	GET /v1/status                         a [nodedns.Status]
//	GET /v1/nodes?text=&role=&departed=    an array of [Node], sorted by ID
//	                                         that fit; see [Filter]
//	GET /v1/find?name=                     a [Found]: the nodes that a text means
//	GET /v1/complete?name=                 [Completions] of what was typed
//	GET /v1/query?name=&type=              an [inspect.Answer]
//	GET /v1/explain?name=&type=&dry=       an [inspect.Explanation]
//	GET /v1/explain/hostname?name=&type=   a [nssresolve.Explanation]; without
//	    &dry=                                a type, of both families
//	POST /v1/flush?name=                   a [Flushed]; without a name, of all
//	POST /v1/reload                        a [Reloaded]
//	POST /v1/curator/trust?name=           a [CuratorChange]; the name is a node ID
//	POST /v1/curator/reset                 a [CuratorChange]
//	GET /v1/monitor?queries=&zone=         lines of [Event], as they happen, of
//	    &name=&type=&rcode=&source=&client=  those that fit; see [Watch]
//
// An error is an object with the key "error". Either side ignores fields that
// it does not know, so that a command of another version than the daemon's
// works. The nodes are streamed: neither side holds all of them.
//
// Nearly all that can be read is available to every user of the machine through
// DNS and the hosts file anyway. The socket is therefore open to all of them
// (mode 0666). What changes something is a POST, and for root and the daemon's
// own user only, which the kernel authenticates. So is monitor: which names the
// machine's programs query is private.
//
// A monitor that is slow misses events, and receives their number; nothing
// waits for it. Few of them run concurrently, each with bounded memory.
//
// The daemon's goroutines are those of the server that it runs the [Handler] in,
// and two for each monitor, which end with its request.
package control
