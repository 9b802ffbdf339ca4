package resolvconf

import "strings"

// What the files begin with that we write. Whoever finds one has to learn from
// the first line who wrote it, and how it is undone.
const (
	ourMark  = "# Written by nodedns"
	stubMark = ourMark + ", which answers on this machine. To undo it: nodedns resolvconf restore\n"
	realMark = ourMark + " for containers and the kubelet: the servers that it asks itself.\n"
)

// isOurs reports whether we wrote a text.
func isOurs(text string) bool { return strings.HasPrefix(text, ourMark) }

// isStub reports whether it points at us.
func isStub(text string) bool { return strings.HasPrefix(text, stubMark) }
