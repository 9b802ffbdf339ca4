// Package nodefile reports the nodes that an operator lists in files, which are
// the same on all machines.
//
// # The files
//
// A [Watcher] follows files and directories of files. What ends in ".hosts" is in
// the format of hosts(5): an address, the ID of a node, and its further names. Where
// one of the names has the shape of a node ID, that one is the ID. What ends in
// ".json" is an array of nodes:
//
//	[
//	  {"id": "web-2", "names": ["db.corp.example"], "addresses": ["192.0.2.7"], "roles": []}
//	]
//
// A node has an ID or a name; without an ID one of the names is, as in the other
// format. The addresses may be none, names and roles may be missing, and there are
// no other keys: docs/nodes.schema.json is the schema. An ID has the shape of node
// IDs, or is any name that [zone.ParseName] accepts. Entries with one ID are one
// node, in either format. Of a directory hidden files, those with other endings and
// directories are passed over. A mark of byte order and line ends of Windows do not
// matter.
//
// # What is wrong with a file
//
// What does not have the structure of its format makes the whole file unusable: a
// line that begins with no address, invalid JSON, an unknown key or one that is
// there twice, zero bytes, more than 256 MiB or a million nodes. Such a file keeps
// what it had before, and the error has line, column and reason. A value that
// cannot be used is refused alone, with its line: a name that no node may have, a
// further one after eight, an address that leads to no other machine, a second one
// of its family, an unknown role.
//
// Of two files that have one node the later counts, in the order of their names,
// whatever their directories are. Both are read as a whole: what they have of the
// node is not put together.
//
// # This machine's entry
//
// It is found by its ID, which may be one of the names, else by the hostname, which
// may have a domain or not, else by one of this machine's addresses. Its names are
// this machine's then, and its addresses count for nothing: the kernel knows them
// better. Only one entry is this machine's. Of two that match in the same way it is one that has our address too,
// or else the first. The other is another node, and a problem in the status of its
// file: names of one machine belong into one entry. It is judged again when the
// hostname or the addresses change; what was reported as another node by mistake is
// withdrawn, and has not departed.
//
// # What is reported
//
// The first reading is a backlog, also of files that are missing. It ends when each
// file, and each directory, could be used once; until then the zone is ready all the
// same, and what was saved of the others stays. Afterwards the difference is
// reported: what is in no file any more has departed. A file is read when it has
// been the same for 100 ms, and parsed when its bytes are others.
//
// # Goroutines
//
// The package starts none but those of a follow.Follower, which end with
// [Watcher.Run]. It calls the functions of [Config] and the zone's source from the
// goroutine that called it.
package nodefile
