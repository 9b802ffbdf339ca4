package zone

import "strings"

// Canonical is by which of its names a node is called in PTR records and first in
// its lines of the hosts file. The zero value calls it by a name of several labels,
// else by a name from a file, else by its ID.
type Canonical struct {
	// Domain is the first local domain, in lower case and without the final dot, or
	// empty.
	Domain string
	// ByID calls every node by its ID.
	ByID bool
}

// AppendName appends a readable name as a node is called by it: as it is where it
// has several labels, else below the domain, else bare where it comes from a file,
// since a bare name from the cluster stands for the node only where nothing else
// claims it. It returns dst itself, and false, where the name is none of these. It
// heeds neither ByID nor whether the node has the name.
func (c Canonical) AppendName(dst []byte, name NodeName) ([]byte, bool) {
	switch {
	case strings.Contains(name.Text, "."):
		return append(dst, name.Text...), true
	case c.Domain != "" && len(name.Text)+1+len(c.Domain) <= maxName:
		dst = append(dst, name.Text...)
		dst = append(dst, '.')
		return append(dst, c.Domain...), true
	case name.Origin == NameFromFile:
		return append(dst, name.Text...), true
	}
	return dst, false
}

// AppendCanonical appends the name that the node is called by: the first readable
// name that it has, in the form of AppendName. A node without one is called by its
// ID, as is one whose name below the domain a file gives, written out, to another
// node. It allocates nothing where dst has room.
func (n Node) AppendCanonical(dst []byte, c Canonical) []byte {
	if name, ok := n.Name(); ok && !c.ByID {
		called, ok := c.AppendName(dst, name)
		if ok && !n.snapshot.isElsewhere(called[len(dst):], n) {
			return called
		}
	}
	return n.AppendID(dst)
}

// isElsewhere reports whether a file gives a name of several labels to another node,
// or to several.
func (s *Snapshot) isElsewhere(name []byte, n Node) bool {
	if s.names.above.size == 0 {
		return false
	}
	o := s.LookupName(name)
	return o.Exists() && o.Node != n
}
