package nodefile

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/zone"
)

// maxNodes bounds the nodes of a file, as they are bounded in a zone.
const maxNodes = zone.DefaultMaxNodes

// node is what the files have on one node.
type node struct {
	id    string // in canonical form: of node-ID shape, or a readable name
	names []string
	addrs []netip.Addr // at most one of each family
	roles zone.Roles
	line  int // of its first entry
}

// equal reports whether two nodes are the same for the zone.
func (n *node) equal(other *node) bool {
	return n.id == other.id && n.roles == other.roles &&
		slices.Equal(n.addrs, other.addrs) && slices.Equal(n.names, other.names)
}

// hasName reports whether a name is the node's, its ID included.
func (n *node) hasName(name string) bool { return n.id == name || slices.Contains(n.names, name) }

func (n *node) entry() zone.Entry {
	return zone.Entry{ID: n.id, Names: n.names, Addresses: n.addrs, Roles: n.roles}
}

// content is what a file has.
type content struct {
	nodes []node // in the order of their first entries
	problems
}

// builder collects the entries of a file, in whatever format, into nodes: entries
// with one ID are one node. What is wrong with an address, a name or a role is a
// problem of that alone.
type builder struct {
	content
	text   []byte // for columns; nil: lines are enough
	prefix zone.Prefix
	byID   map[string]int // index in nodes
	draft  draft
}

// octetsPerNode is about what a node takes in a file at the least.
const octetsPerNode = 32

// newBuilder returns a builder with room for the nodes of a text of so many octets.
func newBuilder(prefix zone.Prefix, text []byte, octets int) *builder {
	room := min(octets/octetsPerNode, maxNodes)
	b := &builder{text: text, prefix: prefix, byID: make(map[string]int, room)}
	b.nodes = make([]node, 0, room)
	return b
}

// refuse reports what of the file has no effect.
func (b *builder) refuse(at mark, format string, args ...any) {
	var where position
	if b.count < maxListed {
		where = at.in(b.text)
	}
	b.add(where, format, args...)
}

// fail is an error about a place in the file.
func (b *builder) fail(at mark, format string, args ...any) error {
	return failAt(at.in(b.text), format, args...)
}

// draft is the entry that is being read.
type draft struct {
	at    mark
	id    string
	idAt  mark
	given bool // the ID is given as such, and not one of the names
	names []string
	addrs []netip.Addr
	roles zone.Roles
}

// beginEntry begins the next entry.
func (b *builder) beginEntry(at mark) *draft {
	b.draft = draft{at: at, names: b.draft.names[:0], addrs: b.draft.addrs[:0]}
	return &b.draft
}

// shaped returns a name of node-ID shape in its canonical form, and "" for others.
func (b *builder) shaped(name string) string {
	if len(name) <= len(b.prefix) || !strings.EqualFold(name[:len(b.prefix)], string(b.prefix)) {
		return "" // most are not, and Parse makes an error for each
	}
	id, err := b.prefix.Parse(name)
	if err != nil {
		return ""
	}
	return string(id)
}

// setID takes the ID that an entry gives as such.
func (b *builder) setID(at mark, text string) {
	d := &b.draft
	among, amongAt := d.id, d.idAt // of the names, which came before
	if d.given, d.id = true, b.shaped(text); d.id == "" {
		d.id, _ = b.readable(at, text)
	}
	if among != "" && among != d.id {
		b.refuseID(amongAt, among)
	}
}

// refuseID refuses a name of node-ID shape that is not the entry's ID.
func (b *builder) refuseID(at mark, name string) {
	b.refuse(at, "name %q: it is another node's ID", name)
}

// addName takes a name of an entry. The first one of node-ID shape is the ID where
// none is given.
func (b *builder) addName(at mark, text string) {
	d := &b.draft
	if id := b.shaped(text); id != "" {
		switch {
		case id == d.id:
		case d.id == "" && !d.given:
			d.id, d.idAt = id, at
		default:
			b.refuseID(at, id)
		}
		return
	}
	name, ok := b.readable(at, text)
	switch {
	case !ok, slices.Contains(d.names, name):
	case len(d.names) > zone.MaxNames: // of which the first one may be the ID
		b.refuseMany(at, name)
	default:
		d.names = append(d.names, name)
	}
}

// refuseMany refuses a name beyond those that a node may have.
func (b *builder) refuseMany(at mark, name string) {
	b.refuse(at, "name %q: a node has at most %d besides its ID", name, zone.MaxNames)
}

// readable returns the canonical form of a readable name, if a node may have it.
func (b *builder) readable(at mark, text string) (name string, ok bool) {
	name, err := b.prefix.ParseName(text)
	if err != nil {
		b.refuse(at, "%v", err)
	}
	return name, err == nil
}

// addAddr takes an address of an entry, if it is one that a node can be reached at.
func (b *builder) addAddr(at mark, addr netip.Addr) {
	if err := zone.CheckAddr(addr); err != nil {
		b.refuse(at, "%v", err)
		return
	}
	b.draft.addrs = b.withAddr(b.draft.addrs, "the entry", at, addr)
}

// withAddr returns the addresses of an owner with a further one, unless it has
// another one of that family.
func (b *builder) withAddr(addrs []netip.Addr, owner string, at mark, addr netip.Addr) []netip.Addr {
	i := slices.IndexFunc(addrs, func(other netip.Addr) bool { return other.Is4() == addr.Is4() })
	switch {
	case i < 0:
		return append(addrs, addr)
	case addrs[i] != addr:
		b.refuse(at, "address %v: %s has %v, and a node has one address of each family", addr, owner, addrs[i])
	}
	return addrs
}

// endEntry adds the entry to its node. The error means that the file has too many.
func (b *builder) endEntry() error {
	d := &b.draft
	if d.id == "" && !d.given && len(d.names) > 0 {
		d.id, d.names = d.names[0], d.names[1:]
	}
	if d.id == "" {
		b.refuse(d.at, "no ID or name of the entry can be used")
		return nil
	}
	i, known := b.byID[d.id]
	if !known {
		if i = len(b.nodes); i == maxNodes {
			return b.fail(d.at, "more than %d nodes", maxNodes)
		}
		b.nodes = append(b.nodes, node{id: d.id, line: d.at.line})
		b.byID[d.id] = i
	}
	n := &b.nodes[i]
	n.roles |= d.roles
	for _, name := range d.names {
		switch {
		case n.hasName(name):
		case len(n.names) == zone.MaxNames:
			b.refuseMany(d.at, name)
		default:
			n.names = append(n.names, name)
		}
	}
	if n.addrs == nil {
		n.addrs = make([]netip.Addr, 0, len(d.addrs))
	}
	for _, addr := range d.addrs {
		n.addrs = b.withAddr(n.addrs, n.id, d.at, addr)
	}
	return nil
}

// done returns what was read, without what only the reading needed.
func (b *builder) done() *content {
	c := b.content
	c.nodes = slices.Clone(c.nodes) // which had room for more
	return &c
}
