// Package osfile reads files that other programs may replace: by a FIFO that
// would block the reader for ever, a device, a directory, a symlink that leads
// out of a root directory, or more than fits into memory. It also detects
// cheaply whether a file has changed, and writes our own records.
//
// A file is opened by one of the Open functions, which accept regular files
// only, and is read by [ReadAll], which accepts no more than a limit. [Read] and
// [ReadIn] do both. What is wrong is [ErrNotRegular], [ErrTooLarge] or an error
// of the kernel, in an [*fs.PathError] that names the file.
//
// No function waits for another program. What can still block is the file
// system itself, such as a network file system whose server is gone. A caller
// that must not block reads in a goroutine of its own. Files of the kernel
// below /proc and /sys neither block nor grow without end, and are read without
// this package where they are certain to be those.
//
// It is a leaf: it imports no other package of ours, starts no goroutine and
// keeps no state, so that every part of the module may use it.
package osfile
