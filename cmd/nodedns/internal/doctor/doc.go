// Package doctor finds what commonly keeps names from being resolved on a
// machine, and says how to fix it.
//
// [Checks] is the table of what is looked for. Each check is a function of an
// [Input], which is all that there is to look at: the files below a root, the
// kernel's tables, the configuration, and what the daemon reports of itself, if
// it runs. To add a check is to write one such function, in the file of its
// subject, and one entry of the table.
//
// Nothing is changed, and no name is resolved. What the caller may not read is
// reported as such; what is absent on a machine is no finding.
//
// What is read is untrusted, the files of containers included: it is read in
// bounded pieces, without blocking on a writer, and symlinks do not lead out of
// the root that they are in.
//
// The package starts no goroutines. An Input is for one goroutine.
package doctor
