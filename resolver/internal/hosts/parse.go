package hosts

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/internal/hostsformat"
)

const (
	// maxSize of a file that is read, in octets.
	maxSize = 64 << 20
	// maxPairs of a name and an address are in a table.
	maxPairs = 1 << 20
	// maxAddrs of one name: not many more fit into a reply.
	maxAddrs = 100
	// chunkSize of the strings that names are parts of, in octets.
	chunkSize = 64 << 10
)

var errTooMany = errors.New("too many names")

// parser makes a table of lines.
type parser struct {
	table    *Table
	excluded *excluded
	limit    int             // of the table's links
	chunk    strings.Builder // holds the names
	wire     [maxName + 1]byte
}

// parse makes a table of the user's lines, with at most limit pairs of a name
// and an address.
func parse(content []byte, e *excluded, limit int) (*Table, error) {
	p := parser{
		table: &Table{
			names: map[string]uint32{}, addresses: map[[16]byte]string{}, canonical: map[uint32]string{},
		},
		excluded: e,
		limit:    limit,
	}
	for section := range hostsformat.Sections(content) {
		if section.IsBlock() {
			continue
		}
		for number, line := range hostsformat.Lines(section.TextLine(), section.Text) {
			if err := p.line(number, line); err != nil {
				return nil, fmt.Errorf("line %d: %w; at most %d are kept", number, err, limit)
			}
		}
	}
	p.table.links = slices.Clone(p.table.links) // without room to grow
	return p.table, nil
}

// line reads one line. The only error is that the table is full.
func (p *parser) line(number int, line []byte) error {
	word, names := hostsformat.Fields(line)
	if len(word) == 0 {
		return nil
	}
	addr, err := hostsformat.ParseAddr(word)
	switch {
	case errors.Is(err, hostsformat.ErrScope):
		p.table.report(number, "the DNS cannot express the zone of %.80q; the line does not count", word)
		return nil
	case err != nil:
		p.table.report(number, "%.80q is not an address; the line does not count", word)
		return nil
	}
	first := []byte(nil)
	for word := range hostsformat.Names(names) {
		before := len(p.table.links)
		if err := p.name(number, addr.Unmap(), word); err != nil {
			return err
		}
		follows := first != nil
		if !follows {
			first = word
		}
		if len(p.table.links) > before && (follows || !isLower(first)) {
			p.canonical(number, first)
		}
	}
	if first == nil {
		p.table.report(number, "no name follows the address %s", addr)
	}
	return nil
}

// canonical keeps the first name on a line as it is spelled, for itself and for
// those after it. It counts even if it is itself answered from elsewhere, such as
// localhost.
func (p *parser) canonical(number int, first []byte) {
	if _, kept := p.table.canonical[uint32(number)]; kept {
		return
	}
	if name, err := appendName(p.wire[:0], first); err == nil {
		p.table.canonical[uint32(number)] = p.keep(spell(name, first))
	}
}

// name adds one name of an address.
func (p *parser) name(number int, addr netip.Addr, word []byte) error {
	name, err := appendName(p.wire[:0], word)
	if err != nil {
		p.table.report(number, "%.300q is not a host name: %v; it does not count", word, err)
		return nil
	}
	if owner := p.excluded.owner(name); owner != "" {
		// The usual lines for localhost match what is answered anyway.
		if owner != ownerLoopback || !addr.IsLoopback() {
			p.table.report(number, "%q has no effect in the DNS: %s", word, owner)
		}
		return nil
	}
	return p.link(number, addr, name, word)
}

// link adds an address to a name, unless it is there already. The word is the
// name as it is spelled.
func (p *parser) link(number int, addr netip.Addr, name, word []byte) error {
	t, at := p.table, uint32(len(p.table.links))
	address := addr.As16()
	first, known := t.names[string(name)]
	if known {
		last, count, found := t.last(first, address)
		switch {
		case found:
			return nil
		case count >= maxAddrs:
			t.report(number, "%s has %d addresses already; the further one does not count", hostName(name), count)
			return nil
		}
		t.links[last].next = at
	}
	if len(t.links) == p.limit {
		return errTooMany
	}
	t.links = append(t.links, link{address: address, line: uint32(number)})
	// 0.0.0.0 and :: mean that the host does not exist, so they have no reverse
	// name.
	_, named := t.addresses[address]
	reverse := !named && !addr.IsUnspecified()
	if known && !reverse {
		return nil
	}
	key := p.keep(name)
	if !known {
		t.names[key] = at
	}
	switch {
	case !reverse:
	case isLower(word):
		t.addresses[address] = key
	default:
		t.addresses[address] = p.keep(spell(name, word))
	}
	return nil
}

// last walks the chain of a name's addresses. It stops at the address if that
// is among them.
func (t *Table) last(first uint32, address [16]byte) (at uint32, count int, found bool) {
	for at = first; ; at = t.links[at].next {
		count++
		if l := t.links[at]; l.address == address || l.next == 0 {
			return at, count, l.address == address
		}
	}
}

// keep makes a name a string, as a substring of a larger one.
func (p *parser) keep(name []byte) string {
	if p.chunk.Cap()-p.chunk.Len() < len(name) {
		p.chunk = strings.Builder{}
		p.chunk.Grow(chunkSize)
	}
	p.chunk.Write(name)
	chunk := p.chunk.String()
	return chunk[len(chunk)-len(name):]
}
