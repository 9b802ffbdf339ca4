// Package verify proves that what this machine's programs find by each way is
// what the zone says: by DNS at every listener, in the files, and on the varlink
// socket.
//
// The zone is asked for over the control socket; everything else is looked at
// from outside, with the rights and in the view of the caller. A zone changes
// while one looks, and the hosts file follows it with a delay. So what differs is
// compared again, and counts only when the node stayed the same meanwhile and
// the difference did too.
//
// What is held in memory is what is compared: a sample of the nodes, and those
// that stand in the hosts file.
//
// The package starts no goroutines, and writes nothing.
package verify
