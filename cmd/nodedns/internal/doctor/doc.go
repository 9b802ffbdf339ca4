// Package doctor finds what commonly keeps names from being resolved on a
// machine, and says how to fix it.
//
// [Checks] is the table of what is looked for. Each check is a function of a
// [Machine], which is all that there is to look at: the files below a root, the
// kernel's tables, the configuration, and what the daemon says of itself, if it
// runs. To add a check is to write one such function, in the file of its
// subject, and one entry of the table.
//
// Nothing is changed, and no name is resolved. What the caller may not look at
// is told as such; what is absent on a machine is no finding.
//
// What is read may be anybody's, the files of containers too: it is read in
// bounded pieces, without waiting for anybody, and symlinks lead nowhere out of
// the root that they are in.
//
// The package starts no goroutines. A Machine is for one goroutine.
package doctor
