package hosts

import (
	"bytes"
	"crypto/sha256"
	"iter"
	"net/netip"
)

// Table is the content of a hosts file. It is immutable. A nil Table is empty.
//
// Names are in wire form (RFC 1035, section 3.1), uncompressed and with the empty
// label at their end: in lower case where one is looked up, and spelled as in the
// file where one is returned. Lookups take no lock and allocate nothing.
type Table struct {
	path   string // of the file, with the root in front
	digest Digest // of the lines
	// The keys and the values are parts of larger strings; a table of a
	// hundred thousand names would otherwise be as many objects.
	names     map[string]uint32   // to the first of a chain in links
	addresses map[[16]byte]string // to the first name, of IPv4 addresses in mapped form
	links     []link
	// canonical are the first names on their lines as they are spelled, by the
	// number of the line, where others follow or it has capitals.
	canonical map[uint32]string
	problems
}

// link is one address of one name.
type link struct {
	address [16]byte
	next    uint32 // the name's next one in links; 0: no more
	line    uint32 // of the file, from 1
}

// Digest stands for the lines of a table: it is the same in another process if they
// are.
type Digest [sha256.Size]byte

// Digest is that of the lines; of a nil Table it is zero.
func (t *Table) Digest() (d Digest) {
	if t != nil {
		d = t.digest
	}
	return d
}

// Lookup returns the addresses of a name. The caller checks whether there are
// any of the family it needs.
func (t *Table) Lookup(name []byte) (addrs Addrs, ok bool) {
	if t == nil {
		return Addrs{}, false
	}
	first, ok := t.names[string(name)]
	return Addrs{t, first}, ok
}

// Reverse returns the first name of an address.
func (t *Table) Reverse(addr netip.Addr) (name string, ok bool) {
	if t == nil {
		return "", false
	}
	name, ok = t.addresses[addr.As16()]
	return name, ok
}

// Line is the number of the line, from 1, that gives a name, in any case, an
// address, the first one of several; 0 if none does.
func (t *Table) Line(name []byte, addr netip.Addr) int {
	addrs, ok := t.Lookup(bytes.ToLower(name))
	if !ok {
		return 0
	}
	for at, more := addrs.first, true; more; {
		l := &t.links[at]
		if l.address == addr.As16() {
			return int(l.line)
		}
		at, more = l.next, l.next != 0
	}
	return 0
}

// Path is where the file is, with the root in front.
func (t *Table) Path() string { return t.path }

// Len is the number of names.
func (t *Table) Len() int {
	if t == nil {
		return 0
	}
	return len(t.names)
}

// Addrs are the addresses of one name. The zero value has none.
type Addrs struct {
	table *Table
	first uint32
}

// Canonical returns the first name on the line of the first address of a family,
// which the C library uses as the canonical name of all names there. It is not ok
// where that is no other than the name that was looked up, in lower case.
func (a Addrs) Canonical(four bool) (name string, ok bool) {
	if a.table == nil {
		return "", false
	}
	for at, more := a.first, true; more; {
		l := &a.table.links[at]
		if netip.AddrFrom16(l.address).Is4In6() == four {
			name, ok = a.table.canonical[l.line]
			return name, ok
		}
		at, more = l.next, l.next != 0
	}
	return "", false
}

// All yields the addresses in the order of their lines.
func (a Addrs) All() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		if a.table == nil {
			return
		}
		for at, more := a.first, true; more; {
			l := &a.table.links[at]
			if !yield(netip.AddrFrom16(l.address).Unmap()) {
				return
			}
			at, more = l.next, l.next != 0
		}
	}
}
