package saved

import (
	"bytes"
	"encoding/hex"
	"strings"

	"github.com/nodedns/nodedns/zone"
)

// readable are the readable names of a node as the file has them: their number and,
// of each, its marks, its length and the text. Empty stands for none.
type readable string

// maxNames bounds what is read for one node: a few more than any has.
const maxNames = 16

// marks of a name.
type marks uint8

const (
	fromCluster marks = 1 << iota
	owned             // the name is the node's although others claim it too

	allMarks = fromCluster | owned
)

// readableOf are the names of a node of the zone.
func readableOf(z zone.Node) readable {
	var buffer [512]byte // enough for nearly all
	b, count := append(buffer[:0], 0), byte(0)
	var contested []string
	for name := range z.Names() {
		if count == 0 {
			contested = z.OwnedNames()
		}
		var m marks
		if name.Origin == zone.NameFromCluster {
			m |= fromCluster
		}
		for _, own := range contested {
			if own == name.Text {
				m |= owned
			}
		}
		b = append(append(b, byte(m), byte(len(name.Text))), name.Text...)
		count++
	}
	if count == 0 {
		return ""
	}
	b[0] = count
	return readable(b)
}

// each yields the names, first to last.
func (r readable) each(yield func(marks, string) bool) {
	for rest := r[min(1, len(r)):]; rest != ""; {
		end := 2 + int(rest[1])
		if !yield(marks(rest[0]), string(rest[2:end])) {
			return
		}
		rest = rest[end:]
	}
}

// first is the first name if that comes from a file, as a free ID does.
func (r readable) first() (name string) {
	for m, text := range r.each {
		if m&fromCluster == 0 {
			name = text
		}
		break
	}
	return name
}

// readable reads the names of one node. The zone checks the texts.
func (d *decoder) readable() (readable, error) {
	b, err := d.next(1)
	if err != nil {
		return "", err
	}
	count := int(b[0])
	if count == 0 || count > maxNames {
		return "", d.damaged("a node has %d names, want 1 to %d", count, maxNames)
	}
	d.names = append(d.names[:0], b...)
	for range count {
		if b, err = d.next(2); err != nil {
			return "", err
		}
		size := int(b[1])
		if b[0]&^byte(allMarks) != 0 || size == 0 {
			return "", d.damaged("a name has the marks %#x and %d bytes", b[0], size)
		}
		d.names = append(d.names, b...)
		if b, err = d.next(size); err != nil {
			return "", err
		}
		d.names = append(d.names, b...)
	}
	return readable(d.names), nil
}

// addNames gives an entry the names of n.
func (n *node) addNames(e *zone.Entry) {
	for m, text := range n.names.each {
		switch {
		case e.ID == "": // a free one, which is the first name
			e.ID = text
		case m&fromCluster != 0:
			e.Names = append(e.Names, text)
		default:
			e.FileNames = append(e.FileNames, text)
		}
		if m&owned != 0 {
			e.OwnedNames = append(e.OwnedNames, text)
		}
	}
}

// id is the ID of a node.
func (n *node) id(prefix string) string {
	if n.parts&free != 0 {
		return n.names.first()
	}
	return prefix + hex.EncodeToString(n.key[:])
}

// compare compares two nodes by their IDs.
func (n *node) compare(other *node, prefix string) int {
	if (n.parts|other.parts)&free == 0 {
		return bytes.Compare(n.key[:], other.key[:])
	}
	return strings.Compare(n.id(prefix), other.id(prefix))
}
