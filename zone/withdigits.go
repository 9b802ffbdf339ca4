package zone

import (
	"iter"
	"strings"
)

// MinDigits is how many hex digits of a node's ID stand for it at least. Fewer
// hardly tell nodes apart, and are more often a word.
const MinDigits = 4

// WithDigits yields the nodes whose hex digits begin with a text, as people
// abbreviate an ID: [MinDigits] of them or more, with the prefix or without it,
// in any letter case. This machine comes first, and the others are sorted by
// ID. Of another text there are none, nor any without node-ID shape. Its cost
// grows with the number of nodes that are taken, not with the size of the zone.
func (s *Snapshot) WithDigits(text string) iter.Seq[Node] {
	text = strings.ToLower(text)
	var beginnings []string
	digits, prefixed := strings.CutPrefix(text, string(s.prefix))
	if prefixed && isBeginning(digits) {
		beginnings = append(beginnings, digits)
	}
	if digits != text || !prefixed { // a prefix may be of hex digits itself
		if isBeginning(text) {
			beginnings = append(beginnings, text)
		}
	}
	return func(yield func(Node) bool) {
		for i, digits := range beginnings {
			for n := range s.WithPrefix(string(s.prefix) + digits) {
				id := string(n.ID())
				if !s.HasIDShape([]byte(id)) || i > 0 && strings.HasPrefix(id, string(s.prefix)+beginnings[0]) {
					continue
				}
				if !yield(n) {
					return
				}
			}
		}
	}
}

// isBeginning reports whether a text is of so many hex digits, in lower case,
// as may stand for a node.
func isBeginning(text string) bool {
	return len(text) >= MinDigits && len(text) <= hexLen && strings.Trim(text, "0123456789abcdef") == ""
}
