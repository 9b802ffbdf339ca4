// Package hostsfile keeps the files by which a machine knows its own name and
// its peers equal to the zone: /etc/hosts, machine-id and the hostname. They
// are what is left to resolve names with when no resolver answers.
//
// A [Keeper] does it. [Keeper.Start] brings everything up to date once, before
// the daemon reports that it is ready; [Keeper.Run] follows the zone from then
// on. [Restore] undoes it all. [Keeper.CompareHosts] and
// [Keeper.CompareIdentity] only read, for a process other than the daemon.
//
// # Invariants
//
// Until the zone has been ready once, the peers that an earlier run wrote to
// the hosts file stay there: a start without the cluster takes no name away.
//
// Before the file gets what the zone has, [Config.BeforeHosts] may save that for the
// next process, which then knows nothing older than the file does.
//
// In block mode the lines of the hosts file between "# BEGIN nodedns" and
// "# END nodedns" are ours and every other byte is the user's, and is given
// back as it was. Where markers are missing or doubled, a line belongs to the
// user in case of doubt.
//
// How files are replaced, and what was there before is kept, is package
// managed's work. A symlink is followed.
//
// # Goroutines
//
// New and Start start none. Run starts two, one that waits for snapshots and
// one that waits for foreign writes to the hosts file, and waits for both
// before it returns. Start and Run belong to one goroutine; Status, CheckSelf and
// the comparisons may be called from any.
package hostsfile
