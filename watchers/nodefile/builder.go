package nodefile

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/zone"
)

// builder collects the entries of a file, in whatever format, into nodes: entries
// with one ID are one node. What is wrong with an address, a name or a role is a
// problem of that alone.
type builder struct {
	nodes []node
	words strings.Builder // of the nodes, and what those had before they got more
	problems
	text   []byte // for columns; nil: lines are enough
	prefix zone.Prefix
	byID   index
	draft  draft
}

func newBuilder(prefix zone.Prefix, text []byte) *builder {
	return &builder{text: text, prefix: prefix, byID: index{}}
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
	facts
}

// beginEntry begins the next entry.
func (b *builder) beginEntry(at mark) *draft {
	b.draft = draft{at: at, names: b.draft.names[:0]}
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
	b.setAddr(&b.draft.facts, "the entry", at, addr)
}

// setAddr takes an address of an owner, unless it has another one of that family.
func (b *builder) setAddr(f *facts, owner string, at mark, addr netip.Addr) {
	family := zone.IPv6
	if addr.Is4() {
		family = zone.IPv4
	}
	switch other := f.addr(family); {
	case !other.IsValid():
		f.setAddr(addr)
	case other != addr:
		b.refuse(at, "address %v: %s has %v, and a node has one address of each family", addr, owner, other)
	}
}

// endEntry adds the entry to its node. The error means that the file has too many.
func (b *builder) endEntry() error {
	d := &b.draft
	names := d.names
	if d.id == "" && !d.given && len(names) > 0 {
		d.id, names = names[0], names[1:]
	}
	if d.id == "" {
		b.refuse(d.at, "no ID or name of the entry can be used")
		return nil
	}
	at, i, known := b.byID.find(d.id, func(i uint32) string { return b.wordsOf(&b.nodes[i]).id() })
	if !known {
		if len(b.nodes) == maxNodes {
			return b.fail(d.at, "more than %d nodes", maxNodes)
		}
		i = uint32(len(b.nodes))
		b.byID[at] = i
		if i == uint32(cap(b.nodes)) {
			b.nodes = slices.Grow(b.nodes, len(b.nodes)) // append grows by less, and copies more
		}
		b.nodes = append(b.nodes, node{at: uint32(b.words.Len()), size: uint16(len(d.id)), line: uint32(d.at.line)})
		b.write(d.id)
	}
	n := &b.nodes[i]
	n.roles |= d.roles
	for _, name := range names {
		switch has := b.wordsOf(n); {
		case has.has(name):
		case has.count() == zone.MaxNames:
			b.refuseMany(d.at, name)
		default:
			b.addWord(n, name)
		}
	}
	for addr := range d.addrs {
		b.setAddr(&n.facts, d.id, d.at, addr)
	}
	return nil
}

func (b *builder) wordsOf(n *node) words { return words(b.words.String()[n.at:][:n.size]) }

// write appends to the words.
func (b *builder) write(text string) {
	if len(text) > b.words.Cap()-b.words.Len() {
		b.words.Grow(b.words.Len() + len(text))
	}
	b.words.WriteString(text)
}

// addWord gives a node a further name. The words of one that is not the last are
// moved to the end, at most eight times.
func (b *builder) addWord(n *node, name string) {
	if has := b.wordsOf(n); int(n.at)+len(has) < b.words.Len() {
		n.at = uint32(b.words.Len())
		b.write(string(has))
	}
	b.write(space)
	b.write(name)
	n.size += uint16(len(space) + len(name))
}

// done returns what was read, without what only the reading needed.
func (b *builder) done() *content {
	size := 0
	for i := range b.nodes {
		size += int(b.nodes[i].size)
	}
	c := &content{nodes: slices.Clone(b.nodes), problems: b.problems} // which had room for more
	var text strings.Builder
	text.Grow(size)
	for i := range c.nodes {
		n := &c.nodes[i]
		has := b.wordsOf(n)
		n.at = uint32(text.Len())
		text.WriteString(string(has))
	}
	c.text = text.String()
	return c
}
