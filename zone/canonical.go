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

// AppendCanonical appends the name that the node is called by: the first readable
// name that it has, as it is where it has several labels, else below the domain,
// else bare where it comes from a file, since a bare name from the cluster stands
// for the node only where nothing else claims it. A node without is called by its
// ID. It allocates nothing where dst has room.
func (n Node) AppendCanonical(dst []byte, c Canonical) []byte {
	if c.ByID {
		return n.AppendID(dst)
	}
	name, ok := n.Name()
	switch {
	case !ok:
	case strings.Contains(name.Text, "."):
		return append(dst, name.Text...)
	case c.Domain != "" && len(name.Text)+1+len(c.Domain) <= maxName:
		dst = append(dst, name.Text...)
		dst = append(dst, '.')
		return append(dst, c.Domain...)
	case name.Origin == NameFromFile:
		return append(dst, name.Text...)
	}
	return n.AppendID(dst)
}
