// Package resolvconf reads a resolv.conf(5).
//
// [Parse] understands the text. A [File] follows one file by looking again:
// whoever asks gets what the file said at most a moment ago, however it was
// replaced. The package starts no goroutine, and holds no file open.
package resolvconf
