// Package saved keeps the nodes of the cluster and of files on disk, so that a
// machine that starts while the cluster is out of reach, or its files are not there,
// can answer for all of them.
//
// A [Directory] fills the zone's saved layer from its file before the first
// query is answered, and afterwards keeps the file equal to the zone. Every
// live source outranks what it loads.
//
// # What is written, and when
//
// The file is replaced as a whole, by a zone that knows all that the file does: one that
// has loaded it, or has got all of the cluster's nodes since the process started or,
// where no cluster is expected, all of the files'. So neither an empty nor a partial
// backlog takes anything away of what is known. A first file is made of such complete
// data only, since a start that loads it denies the names that it lacks.
//
// Run writes at most once in five seconds, and less often the larger the zone is.
// [Directory.SaveAhead] writes at once: called before the hosts file is written, it
// keeps a process that is started after a SIGKILL from answering older data than that
// file has. What it writes is whole after a power failure too, but may then be what was
// there before; Run makes it durable.
//
// The file holds of each node the ID,
// addresses and their age, roles, state and curator port, the readable names, which
// of those are its own although others claim them, and, of a departed one, since when
// it is and how much of its retention has passed. Of this machine only what the
// cluster and files report of it is kept: its addresses come from the kernel.
//
// A file of another cluster than the zone's is removed at once. One that is
// damaged, or made by a later or an earlier version, is set aside and reported,
// and the start goes on without it. Nothing of a file reaches the zone before all of it has
// been read and its checksum verified.
//
// [Addresses] keeps this machine's in a file of its own: they are not for the zone,
// but for those that choose among the kernel's addresses.
//
// # The file
//
// Its name is [FileName]. All numbers are big endian.
//
//	8  magic, "nodedns\n"
//	2  version, 4; earlier ones are the same, but do not know all parts of a node:
//	   version 3 knows 1 to 16, version 2 knows 1 to 4
//	1  length of the cluster's ID, and the ID, empty where unknown
//	1  length of the prefix of node IDs, and the prefix
//	8  the moment that its nodes date from, in Unix seconds: when it was written, unless
//	   their source was out of reach or had yet to report all of them
//	4  number of nodes
//	   the nodes, in strictly ascending order of their IDs
//	4  CRC-32C of all of the above
//
// A node:
//
//	16  the hex digits of its ID, as bytes; zeros where the ID is free
//	1   which parts follow: 1 IPv4, 2 IPv6, 4 departed, 32 names; whether, of
//	    several nodes that have the address, this one has its reverse record: 8 of
//	    the IPv4 address, 16 of the IPv6 one; 64 that it is known by a file; and 128
//	    that its ID is free, and is the first of its names
//	1   roles, as [zone.Roles]
//	1   state, as [zone.State]
//	2   curator port, or 0
//	4   since when it has its addresses or, if it is one, is departed, in Unix
//	    seconds; 0 for this machine
//	4   IPv4 address, if any
//	16  IPv6 address, if any
//	4   departed: seconds of the retention that have been counted
//	    names, if any: their number in one byte, and of each
//	      1  1 from the cluster and not from a file, 2 the node has it although
//	         others claim it too
//	      1  length of the name, and the name
//
// A file of the present version has exactly one encoding: what decodes is what
// encoding it again gives.
//
// # Goroutines
//
// Whatever touches the file after Load runs in a goroutine of its own, one after the
// other, and its caller waits for it for a limited time: see Directory.inTurn. It outlives
// that only where the disk hangs. Load must have returned before Run or SaveAhead is
// called; these may run concurrently.
package saved
