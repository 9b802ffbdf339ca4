package nodefile

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/zone"
)

// maxNodes bounds the nodes of a file, as they are bounded in a zone.
const maxNodes = zone.DefaultMaxNodes

// facts are what a file has on one node besides its names. An address that it has
// not is zero, which no node's is.
type facts struct {
	v6    [16]byte
	v4    [4]byte
	roles zone.Roles
}

// addr is the address of a family; that of none is the zero one.
func (f *facts) addr(family zone.Family) netip.Addr {
	switch {
	case family == zone.IPv4 && f.v4 != [4]byte{}:
		return netip.AddrFrom4(f.v4)
	case family == zone.IPv6 && f.v6 != [16]byte{}:
		return netip.AddrFrom16(f.v6)
	}
	return netip.Addr{}
}

func (f *facts) setAddr(addr netip.Addr) {
	if addr.Is4() {
		f.v4 = addr.As4()
	} else {
		f.v6 = addr.As16()
	}
}

// addrs yields the addresses, IPv4 first.
func (f *facts) addrs(yield func(netip.Addr) bool) {
	for _, family := range [...]zone.Family{zone.IPv4, zone.IPv6} {
		if addr := f.addr(family); addr.IsValid() && !yield(addr) {
			return
		}
	}
}

// node is one of the nodes of a content. It has no pointers: the garbage collector
// passes over all of them, which are kept for as long as the file has them.
type node struct {
	facts
	size uint16 // of its words in the text of the content
	at   uint32 // where they begin
	line uint32 // of its first entry
}

// content is what a file has.
type content struct {
	nodes []node // in the order of their first entries
	text  string // the words of all nodes
	problems
}

// entry returns a node with its words.
func (c *content) entry(i int) entry {
	n := &c.nodes[i]
	return entry{n.facts, words(c.text[n.at:][:n.size]), int(n.line)}
}

// entry is what the files have on one node, or what is reported of it.
type entry struct {
	facts
	words
	line int // of the first one in its file
}

// equal reports whether two entries are the same for the zone.
func (e *entry) equal(other *entry) bool { return e.facts == other.facts && e.words == other.words }

// words are the ID of a node, in canonical form, which is of node-ID shape or a
// readable name, and its names, divided by spaces. They are part of a larger text,
// which they keep in memory.
type words string

const space = " "

func (w words) id() string {
	if end := strings.IndexByte(string(w), space[0]); end >= 0 {
		return string(w[:end])
	}
	return string(w)
}

// each yields the ID and the names.
func (w words) each() iter.Seq[string] { return strings.SplitSeq(string(w), space) }

// names are those besides the ID, which may be none.
func (w words) names() []string { return slices.Collect(w.each())[1:] }

// count is how many names there are besides the ID.
func (w words) count() int { return strings.Count(string(w), space) }

// has reports whether a name is the node's, its ID included.
func (w words) has(name string) bool {
	for word := range w.each() {
		if word == name {
			return true
		}
	}
	return false
}

// report has what is reported of the entry be in z, whose lists are used again.
func (e *entry) report(z *zone.Entry) {
	id, names, _ := strings.Cut(strings.Clone(string(e.words)), space) // for the zone to keep
	*z = zone.Entry{ID: id, Names: z.Names[:0], Addresses: z.Addresses[:0], Roles: e.roles}
	for names != "" {
		var name string
		name, names, _ = strings.Cut(names, space)
		z.Names = append(z.Names, name)
	}
	for addr := range e.addrs {
		z.Addresses = append(z.Addresses, addr)
	}
}
