// Package config turns the configuration file, its drop-ins and the command
// line's flags into one valid Config.
//
// There is one table of keys (keys.go). The file, the flags, the defaults and
// the comparison at a reload are all read from it, so that a key cannot exist
// in one place and be forgotten in another. A row defines how its value is
// spelled, what it means and where it is kept; nothing else in the package
// knows a key by name, except the checks that look at two keys at once
// (check.go).
//
// Invariants:
//
//   - A Config that Parse or Load returned without an error is valid: its
//     consumers check nothing again.
//   - Every key has a value; an empty file is a complete configuration.
//   - A value from a flag replaces that of the files, and that of a drop-in
//     those of the files before it, lists and tables included. The replaced
//     value is checked all the same, because the next start may come without
//     the flag or the drop-in.
//   - All problems are reported, not only the first, each with its place.
//   - Nothing outside of the files and the flags is looked at, so that a
//     configuration is as valid on the build machine as on the node.
//
// The file is decoded into plain values, and not into a struct, since a
// struct's decoder stops at the first value of a wrong type and does not report
// the lines of the values that follow.
//
// The package starts no goroutine and holds no state between calls.
package config
