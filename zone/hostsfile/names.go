package hostsfile

import (
	"bytes"
	"net/netip"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/zone"
)

// maxLine is how long a line may be, with its newline: musl reads 511 octets of a
// line at once, and takes what follows for another line. maxNames is what an
// address leaves of it.
const (
	maxLine  = 511
	maxNames = maxLine - len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff \n")
)

// words are the names on a node's lines while they are appended to a text, separated
// by spaces: those that the node has, and its ID. Each is there once.
//
// First is the one that PTR records have. A name of a single label stands below the
// local domain and, if it is a file's, also alone: a bare name that nodes of a
// cluster give to themselves would be found before everything that the DNS has by
// that name. A name of several labels stands as it is, and not below the domain as
// well, where only the DNS has it. The ID is last, unless nodes are called by it.
//
// Names that would make the lines too long are left out, those at the end first.
// There are none at all where nothing is the node's own.
type words struct {
	text  []byte
	start int // of the first one in the text
	limit int // of the length of all of them
	c     zone.Canonical
	// free is set for an ID that is one of the names, and counts only if the node
	// has that one.
	free bool
}

// newWords begins them, behind a text. The names follow, and end, which take the ID
// too: were it kept, it would escape, for each of a million nodes.
func newWords(text []byte, c zone.Canonical, id []byte, free bool) words {
	w := words{text: text, start: len(text), limit: maxNames, c: c, free: free}
	switch {
	case free: // it comes with the names
	case c.ByID:
		w.append(id)
	default:
		w.limit -= 1 + len(id)
	}
	return w
}

// add appends the forms of a name, if the node has it.
func (w *words) add(name zone.NodeName, id []byte) {
	switch {
	case !name.Owned:
		return
	case w.c.ByID && w.free && name.Text == string(id):
		w.append(id)
	}
	end := w.space()
	if text, ok := w.c.AppendName(w.text, name); ok {
		w.text = text
	}
	w.added(end)
	if name.Origin == zone.NameFromFile {
		end = w.space()
		w.text = append(w.text, name.Text...)
		w.added(end)
	}
}

// end returns the text with all of them.
func (w *words) end(id []byte) []byte {
	if w.limit = maxNames; !w.free {
		w.append(id)
	}
	return w.text
}

func (w *words) append(name []byte) {
	end := w.space()
	w.text = append(w.text, name...)
	w.added(end)
}

// space appends what separates the next name from those before, and returns where
// these end.
func (w *words) space() (end int) {
	if end = len(w.text); end > w.start {
		w.text = append(w.text, ' ')
	}
	return end
}

// added takes back what was appended since the names before ended, if that is no
// name, or one of them, or too much.
func (w *words) added(end int) {
	name := bytes.TrimPrefix(w.text[end:], []byte(" "))
	if len(name) == 0 || len(w.text)-w.start > w.limit || hostsformat.HasName(w.text[w.start:end], name) {
		w.text = w.text[:end]
	}
}

// appendNames appends the names of a node of a snapshot.
func appendNames(dst []byte, c zone.Canonical, node zone.Node) []byte {
	free := node.HasFreeID() && !node.IsLocal()
	if _, named := node.Name(); !named && !free {
		return node.AppendID(dst) // as most nodes have it
	}
	var buffer [maxName]byte
	id := node.AppendID(buffer[:0])
	w := newWords(dst, c, id, free)
	for name := range node.Names() {
		w.add(name, id)
	}
	return w.end(id)
}

// maxName is the longest name, as text (RFC 1035, section 2.3.4).
const maxName = 253

// appendNode appends the lines of a node, one for each of its addresses.
func appendNode(dst []byte, c zone.Canonical, node zone.Node) []byte {
	from, to := 0, 0 // the names on the first line
	for addr := range node.Addrs() {
		start := len(dst)
		dst = append(addr.AppendTo(dst), ' ')
		if to > 0 {
			dst = append(dst, dst[from:to]...)
		} else {
			from, dst = len(dst), appendNames(dst, c, node)
			if to = len(dst); to == from {
				return dst[:start]
			}
		}
		dst = append(dst, '\n')
	}
	return dst
}

// appendLines appends the lines with these addresses and names.
func appendLines(dst []byte, addrs []netip.Addr, names []byte) []byte {
	for _, addr := range addrs {
		dst = append(addr.AppendTo(dst), ' ')
		dst = append(append(dst, names...), '\n')
	}
	return dst
}
