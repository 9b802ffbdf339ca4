// Package verify checks that this machine's programs find what is in the zone
// by each path: over DNS at every listener, in the files, and on the varlink
// socket.
//
// The zone is read over the control socket; everything else is examined from
// outside, with the rights and in the view of the caller. A zone changes
// meanwhile, and the hosts file follows it with a delay. So what differs is
// compared again, and is reported only when the node stayed the same meanwhile
// and the difference did too.
//
// What is held in memory is what is compared: a sample of the nodes, and those
// that are in the hosts file.
//
// The package starts no goroutines, and writes nothing.
package verify
