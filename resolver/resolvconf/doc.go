// Package resolvconf reads and keeps resolv.conf(5).
//
// [Parse] reads the text, and [Spellings] expands a name by its search list. A
// [SystemConfig] is what is meant by it, and by what is not there: without a
// search list the domain of the hostname.
// [Sources] are the files that list the servers that the machine itself is
// configured with: the resolv.conf that was there before us, and the files of
// systemd-resolved and NetworkManager. A file that we wrote, known by its first
// line, is never one of them, under any path.
//
// A [Keeper] points resolv.conf at us while we answer, and restores it when we
// stop; [Restore] does so after a crash. The Keeper also writes the real
// upstreams to a file for programs that cannot reach 127.0.0.53: containers and
// the kubelet.
//
// # What holds whatever happens
//
// resolv.conf is only pointed at us after a query through the listener was
// answered. What was there is backed up in the state directory before, a
// symlink as a symlink, and our own text never replaces the backup: what
// another program writes over our file is the original from then on, until that
// program puts back what it had found there. Which one is in force follows from
// the file and the originals that are kept, by one pure rule: see originals. If
// the file is overwritten too often, it is left to that program.
//
// # Goroutines
//
// Keeper.Run starts one, which receives the kernel's notifications of changed
// files, and waits for it. Sources start none: their caller follows them and
// calls Poll.
package resolvconf
