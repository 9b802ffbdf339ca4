// Package osfile reads files whose place others may have given to something
// else: a FIFO that blocks the reader for ever, a device, a directory, or more
// than fits into memory.
//
// It is a leaf: it imports nothing of ours, starts no goroutine and keeps no
// state, so that every part of the module may use it.
package osfile
