// Package follow detects that files have changed.
//
// A [Follower] calls a function at the beginning and again soon after any of
// its files may have changed. The call means "look again" and no more: what
// changed, and whether anything did, is for the function to find out. So nothing
// can be missed in between, and a burst of writes is one call.
//
// A file is watched in the directory that it lies in, so that it may be
// replaced by a rename, removed and created again, or not exist yet. Where its
// path leads over symlinks, each of them is watched in the same way, and of a
// directory that is missing the nearest one above it. The file itself is
// watched too, since one that is a mount point changes without its directory.
//
// The kernel's notifications are hints. They are lost when its queue overflows,
// and there are none for network file systems, or for a directory further up
// that is moved away. For that the files are also polled from time to time, and
// every second where they could not be watched at all.
//
// # Goroutines
//
// [Follower.Run] calls the function from its own goroutine. It starts one that
// receives the kernel's notifications, besides that of fsnotify, and waits for
// both.
package follow
