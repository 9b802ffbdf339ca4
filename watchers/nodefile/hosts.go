package nodefile

import (
	"errors"
	"net/netip"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/zone"
)

// parseHosts reads a file in the format of hosts(5). The first name of a line is
// the ID of its node, unless one has node-ID shape. Unlike the C library it takes
// a line that does not begin with an address for an error: it may be a conflict of
// a merge, or a file of another format.
func parseHosts(text []byte, prefix zone.Prefix) (*content, error) {
	b := newBuilder(prefix, nil)
	for number, line := range hostsformat.Lines(1, text) {
		word, names := hostsformat.Fields(line)
		if len(word) == 0 {
			continue
		}
		at := mark{line: number}
		addr, err := hostsformat.ParseAddr(word)
		switch {
		case errors.Is(err, hostsformat.ErrScope):
			b.refuse(at, "%.80q: %v", word, err)
			continue
		case err != nil:
			return nil, b.fail(at, "%.80q is no address", word)
		}
		if err := b.addLine(at, addr, names); err != nil {
			return nil, err
		}
	}
	return b.done(), nil
}

// addLine takes an address with its names. A line whose address leads to no other
// machine is passed over, where its names can be no node's either: every hosts file
// has some for localhost.
func (b *builder) addLine(at mark, addr netip.Addr, names []byte) error {
	before := b.problems
	d := b.beginEntry(at)
	words := 0
	for name := range hostsformat.Names(string(names)) {
		words++
		b.addName(at, name)
	}
	usable := d.id != "" || len(d.names) > 0
	switch {
	case words == 0:
		b.refuse(at, "address %v: it has no name", addr)
		return nil
	case !usable && (addr.IsLoopback() || addr.IsMulticast()):
		b.problems = before
		return nil
	}
	if b.addAddr(at, addr); d.facts == (facts{}) {
		return nil // the line is about that address
	}
	return b.endEntry()
}
