// Package enable enables and disables what nodedns does to a machine, for the
// machine's owner: the hosts file, machine-id, the hostname, resolv.conf and
// nsswitch.conf.
//
// The daemon does what its configuration says, and the packaged one changes
// nothing of the machine. To enable something is to write a drop-in with the
// keys for it, to restart the daemon, and to edit the hosts line of
// nsswitch.conf, in that order: no program is pointed at a daemon that has not
// answered. Disabling is the same in reverse, and the originals are put back by
// the packages that have kept them. What the user's own files enable is left
// alone.
//
// Invariants:
//
//   - A [Plan] has everything before anything is done, and making one changes
//     nothing.
//   - Each step is complete or not done, and after each the machine resolves
//     names. A record in the state directory is written before the first and
//     removed after the last, so that enabling or disabling once more completes
//     what was interrupted.
//   - Only one process changes the machine, by a lock on the state directory, and
//     only by a plan that is not out of date.
//   - A daemon that does not answer for this machine's own name is not enabled:
//     what was done is rolled back.
//
// The package starts no goroutine.
package enable
