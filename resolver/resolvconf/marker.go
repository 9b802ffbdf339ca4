package resolvconf

import "strings"

// The first lines of the files that we write. The first line must name the
// program that wrote the file, and how to undo it.
const (
	ourMark  = "# Written by nodedns"
	stubMark = ourMark + ", which answers on this machine. To undo it: nodedns resolvconf restore\n"
	realMark = ourMark + " for containers and the kubelet: the servers that it asks itself.\n"
)

// isOurs reports whether we wrote a text.
func isOurs(text string) bool { return strings.HasPrefix(text, ourMark) }

// isStub reports whether it points at us.
func isStub(text string) bool { return strings.HasPrefix(text, stubMark) }
