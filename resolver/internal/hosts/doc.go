// Package hosts makes the user's lines of /etc/hosts available in the DNS.
//
// A [File] follows the file, and a [Table] is its content: the addresses
// of a name, and the name of an address. Everything counts except what is
// between "# BEGIN nodedns" and "# END nodedns": the nodes there are in the
// zone already. A marker without its counterpart excludes nothing
// (hostsformat). In own mode the whole file is ours, and there is nothing to
// follow.
//
// # What a line means
//
// Lines are read as the C library does: an address, names, and a comment from
// "#" on. Several lines for a name or an address add up, in their order; the
// first name of an address is the one that its reverse name leads to. Names are
// compared without case, and returned as they are spelled in the file. An
// IPv4-mapped address is the IPv4 address in it.
//
// What the DNS cannot express is left out and reported with the number of its line,
// and the rest counts: malformed lines, addresses with a zone such as
// fe80::1%eth0, and names that are no host names. Names in localhost or
// in the nodes' zone are left out and reported as well: the answers for them
// come from elsewhere, so that the line would have no effect.
//
// # Bounds
//
// A file of more than 64 MiB, or with more than about a million names, is
// refused as a whole, and the last table stays in effect. Half of a blocklist
// would be worse than an old one.
//
// # Goroutines
//
// [New] starts none. [File.Run] reads in its own goroutine; a Table is
// immutable and, like the other methods of a File, for any number of them.
package hosts
