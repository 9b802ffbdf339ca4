// Package follow detects that files have changed.
//
// A [Follower] calls a function at the beginning and again soon after any of
// its files may have changed. The call means "look again" and no more: what
// changed, and whether anything did, is for the function to find out. So nothing
// can be missed in between, and a burst of writes is one call.
//
// A file is watched in the directory that it lies in, so that it may be
// replaced by a rename, removed and created again, or not exist yet. Each
// directory and symlink that its path leads over is watched in the same way, and
// of a directory that is missing the nearest one above it. The file itself is
// watched too, since one that is a mount point changes without its directory.
// Where a path leads to a directory, all changes of what it lists count, though
// not those of the files that symlinks in it lead to.
// Watches are kept as long as what they are for is the same.
//
// The kernel's notifications are hints. They are lost when its queue overflows,
// and there are none for a file system that is mounted over a directory, or for
// changes of a network file system that are made elsewhere. So the files are
// also checked without any: every minute, every five seconds on file systems of
// which the kernel may not see all changes, and every second where something
// could not be watched at all. A program that has nothing to do hardly wakes.
//
// # Goroutines
//
// [Follower.Run] calls the function from its own goroutine. It starts one that
// receives the kernel's notifications, besides that of fsnotify, and waits for
// both.
package follow
