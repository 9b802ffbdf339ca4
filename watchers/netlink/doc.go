// Package netlink watches the kernel for the addresses under which this
// machine is reached, at most one of each family.
//
// A [Watcher] subscribes to changes of links, addresses and routes, and then
// lists all three. The content of a change message is ignored: it is a hint
// that the lists are out of date, they are read again at most 50 ms later, and
// the answer is published when it differs. A hint that arrives twice or a
// message that repeats another is harmless. Nothing can be missed as long as
// the subscription is whole; when it breaks (ENOBUFS: the kernel dropped
// messages that we were too slow to read), Run fails and is started again, and
// so subscribes, lists and compares again.
//
// # Which address
//
// The link is ours to choose, and its address the kernel's. For each family by
// itself, the main table's default routes are taken in the order of their metrics,
// those for a class of packets (TOS) left out. Of each the kernel is asked which
// source address packets have that leave by it; the first of these that exists is
// published:
//
//  1. the preferred source of the route, wherever it is assigned;
//  2. the address that was published last, while it is on the route's link, the
//     link's master or loopback, and the gateway is not in another one's network;
//  3. the kernel's source, if it is on one of those and no temporary one;
//  4. a stable address of the route's link.
//
// Of equal metrics, and of the next hops of one route, the one with the address
// that was published last comes first, and then the lowest interface index: a new
// address, or a route that comes and goes, does not move a machine. A deprecated
// address gives way to any other on its link.
//
// A family without a default route has an address of the interfaces of the other
// family's, or else of loopback: others are those of containers, with addresses
// that no peer reaches. Without any default route, it is one of an interface that
// leads out of the machine: no tunnel, dummy link, member of a bridge, bond or VRF,
// nor a bridge that only joins containers and virtual machines.
//
// Interfaces that are listed by name are suitable, and no others. With none
// listed every interface may carry the default route except tunnels and
// loopback: a tunnel's address is reached through the tunnel only.
//
// An interface that has lost its carrier keeps its address in the zone, as it
// keeps it in the kernel: a cable that is replaced does not rename a machine.
// One that is down is left out.
//
// The gateways of the main table's default routes are published beside the
// addresses, so that these are not taken for another machine's.
//
// # Routes
//
// [Routes] asks the kernel, after the same hints and those of routing rules, for
// the route to each of some addresses, and reports those where it is another one.
//
// # Loopback
//
// [Loopback] asks for the route to ::1, after the same hints, to find out whether
// this machine has that address.
//
// # Goroutines
//
// Run starts one goroutine, which reads the subscription's socket, and waits
// for its end before returning. The change channels of the netlink library are
// avoided: they need three sockets and six goroutines, parse what we ignore,
// and block for ever without a receiver.
package netlink
