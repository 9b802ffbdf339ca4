package resolvconf

import (
	"fmt"
	"strconv"
	"strings"
)

// The first lines of the files that we write. The first line must name the
// program that wrote the file, and how to undo it.
const (
	ourMark  = "# Written by nodedns"
	stubMark = ourMark + ", which answers on this machine"
	realMark = ourMark + " for containers and the kubelet: the servers that it asks itself.\n"

	numberMark = " (original "
	undoMark   = ". To undo it: nodedns resolvconf restore\n"
)

// isOurs reports whether we wrote a text.
func isOurs(text string) bool { return strings.HasPrefix(text, ourMark) }

// isStub reports whether it points at us.
func isStub(text string) bool { return strings.HasPrefix(text, stubMark) }

// stubLine is the first line of a text that points at us in place of the
// original of this number. That of the first, which is all that most machines
// ever have, goes without saying.
func stubLine(number uint64) string {
	if number <= 1 {
		return stubMark + undoMark
	}
	return stubMark + fmt.Sprintf("%s%d)", numberMark, number) + undoMark
}

// numberOf is the number that stubLine has given to a text.
func numberOf(text string) uint64 {
	line, _, _ := strings.Cut(text, "\n")
	_, rest, _ := strings.Cut(line, numberMark)
	digits, _, _ := strings.Cut(rest, ")")
	if number, err := strconv.ParseUint(digits, 10, 64); err == nil {
		return number
	}
	return 1
}
