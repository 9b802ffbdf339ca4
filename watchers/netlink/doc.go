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
// For each family by itself, the first of these that exists:
//
//  1. the preferred source of the main table's default route of lowest metric,
//     wherever that address is assigned;
//  2. the first global address of that route's interface;
//  3. the same two of the next default route;
//  4. failing that, the first global address of another suitable interface,
//     those of the other family's default routes before all others.
//
// Equal metrics and the nexthops of a multipath route are taken by interface
// index, and so are the interfaces of step 4: the index stays the same for the
// life of an interface, while the order of the kernel's lists changes whenever
// a route is replaced. The addresses of one interface are taken as the kernel
// lists them, so that "first" is what ip-address(8) shows first.
//
// Interfaces that are listed by name are suitable, and no others. With none
// listed every interface may carry the default route except tunnels and
// loopback: a tunnel's address is reached through the tunnel only. For step 4
// there is no route to prove that an interface leads out of the machine, so
// those are left out as well that usually do not: dummy links (service
// addresses of load balancers), members of a bridge, bond or VRF, and bridges
// that only join containers and virtual machines.
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
// # Goroutines
//
// Run starts one goroutine, which reads the subscription's socket, and waits
// for its end before returning. The change channels of the netlink library are
// avoided: they need three sockets and six goroutines, parse what we ignore,
// and block for ever without a receiver.
package netlink
