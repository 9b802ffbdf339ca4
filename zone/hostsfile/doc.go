// Package hostsfile keeps the files by which a machine knows its own name and
// its peers equal to the zone: /etc/hosts, machine-id and the hostname. They
// are what is left to resolve names by when no resolver answers.
//
// A [Keeper] does it. [Keeper.Start] puts everything in order once, before the
// daemon calls itself ready; [Keeper.Run] follows the zone from then on.
// [Restore] undoes it all.
//
// # What holds whatever happens
//
// Until the zone has been ready once, the peers that an earlier run wrote to
// the hosts file stay there: a start without the cluster takes no name away.
//
// In block mode the lines of the hosts file between "# BEGIN nodedns" and
// "# END nodedns" are ours and every other byte is the user's, who gets it
// back as it was. Where markers are missing or doubled, a line belongs to the
// user in case of doubt.
//
// A reader finds the old file or the new one, never a part and never none.
// [os.Rename] sees to that, with the owner, mode and extended attributes of the
// old file on the new one. Only where it cannot work, because the file is a
// mount point, its directory is read-only, or we may not give a new file what
// the old one has, the file is overwritten in place. Then a reader may see a
// mixture for a moment. A copy of the old content lies in the state directory
// until the new one is complete, so that the next write or start repairs what
// a crash has left half way.
//
// What is replaced for the first time is kept in the state directory before.
// The records there are written by renameio. The managed files are not: it
// keeps neither owner nor attributes, does not sync the directory, and leaves
// temporary files behind after a crash that cannot be told from the user's.
//
// # Paths
//
// With a root set, every managed path lies below it, and a symlink is followed
// as a process would that had this root: an absolute one does not lead out.
//
// # Goroutines
//
// New and Start start none. Run starts two, one that waits for snapshots and
// one that waits for foreign writes to the hosts file, and waits for both
// before it returns. Start and Run belong to one goroutine; Status and
// CheckSelf may be called from any.
package hostsfile
