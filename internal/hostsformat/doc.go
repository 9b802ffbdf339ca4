// Package hostsformat is the one reader of hosts files (hosts(5)).
//
// # Lines
//
// Lines are read as glibc's files service reads them, byte for byte: an
// address, then names, with the white space of C's isspace in the POSIX locale
// between them. A comment begins at "#" wherever that is. A no-break space
// separates nothing, and a carriage return at the end of a line is white space.
// A line ends at its first NUL. It may have any length, and the last one need
// not end in a newline. The address is what inet_pton(3) accepts: one with a
// scope, such as fe80::1%lo, is none, and the line does not count. One bug is not
// followed: glibc 2.36 takes a last line that begins with blanks and lacks its
// newline for a longer one.
//
// # Our block
//
// A block is what lies between "# END nodedns" and the last "# BEGIN nodedns"
// before it; [Sections] splits a file by that. A marker without its partner
// encloses nothing: the lines beside it are the user's, for every reader. The
// writer, package zone/hostsfile, takes back from among the adjacent ones only
// those that are byte for byte what it writes for a node, so that nothing of
// the user's is lost.
package hostsformat
