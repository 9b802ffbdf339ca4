package zone

import (
	"bytes"
	"iter"
	"strings"
)

// WithPrefix yields the nodes whose IDs begin with a text, in any letter case:
// this machine first, and the others sorted by ID. Nodes with a free ID are not
// among them, but for this machine; see [Snapshot.NamesWithPrefix]. Its cost grows
// with the number of nodes that are taken, not with the size of the zone.
func (s *Snapshot) WithPrefix(text string) iter.Seq[Node] {
	text = strings.ToLower(text)
	return func(yield func(Node) bool) {
		if local := s.Local(); strings.HasPrefix(string(local.ID()), text) && !yield(local) {
			return
		}
		first, ok := s.prefix.firstKey(text)
		if !ok {
			return
		}
		var buffer [maxLabel]byte
		for found := range s.nodes.from(first) {
			if !bytes.HasPrefix(found.key.appendID(buffer[:0], s.prefix), []byte(text)) {
				return
			}
			if !s.isStray(found) && !yield(Node{snapshot: s, slot: found}) {
				return
			}
		}
	}
}

// firstKey is the smallest key of those whose IDs begin with a text, if there
// can be any.
func (p Prefix) firstKey(text string) (first key, ok bool) {
	if len(text) <= len(p) {
		return key{}, strings.HasPrefix(string(p), text)
	}
	begun, ok := strings.CutPrefix(text, string(p))
	if !ok || len(begun) > hexLen {
		return key{}, false
	}
	digits := [hexLen]byte([]byte(strings.Repeat("0", hexLen)))
	copy(digits[:], begun)
	return hexKey(&digits)
}
