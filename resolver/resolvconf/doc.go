// Package resolvconf reads and keeps resolv.conf(5).
//
// [Parse] understands the text, and [Spellings] what its search list makes of a
// name. [Sources] are the places that list which servers the machine itself was
// given: the resolv.conf that was there before us, and the files of
// systemd-resolved and NetworkManager. A file that we wrote, known by its first
// line, is never one of them, by whichever path.
//
// A [Keeper] points resolv.conf at us while we answer, and gives it back when
// we stop; [Restore] does so after a crash. Besides, the Keeper writes the real
// upstreams to a file for programs that cannot reach 127.0.0.53: containers
// and the kubelet.
//
// # What holds whatever happens
//
// resolv.conf is only pointed at us after a query through the listener was
// answered. What was there is kept in the state directory before, a symlink as
// a symlink, and our own text never takes its place: what another program writes
// over our file is the original from then on. Where that happens too often the
// file is left to that program.
//
// # Goroutines
//
// Keeper.Run starts one, which takes the kernel's notices of changed files, and
// waits for it. Sources start none: their caller follows them and calls Poll.
package resolvconf
