package hostsfile

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/zone"
)

// The lines for localhost, as we write them (RFC 6761, section 6.3).
const (
	localhost4 = "127.0.0.1 localhost\n"
	localhost6 = "::1 localhost\n"
)

func isOurLocalhost(line []byte) bool {
	return string(line) == localhost4 || string(line) == localhost6
}

// lineForm knows the form of the lines of nodes.
type lineForm struct {
	prefix zone.Prefix
	local  zone.ID // may be a free name, without node-ID shape
	// known reports whether a line is one that we write for the nodes that there
	// are; nil: of that nothing is known.
	known func(line []byte) bool
	// edited means that another program has written the file since we did, so that
	// a line of the form of ours need not be ours.
	edited bool
}

// nodeLine is a line of the form of those that we write for nodes.
type nodeLine struct {
	addr  netip.Addr
	names []byte // all of them, the ID too
	// id is the node's or, of one without an ID of node-ID shape that is not this
	// machine, the first name.
	id zone.ID
	// byID means that the ID is there.
	byID bool
}

// isOurs reports whether a line is, byte for byte, one that we write for a node. One
// with names may be the user's, unless there is a node that has these.
func (f lineForm) isOurs(line []byte) bool {
	l, ok := f.parse(line)
	return ok && (l.byID && string(l.names) == string(l.id) || f.known != nil && f.known(line))
}

// isStray reports whether a line between our markers has the form of ours and is
// another program's all the same. One with an ID is an earlier one of ours.
func (f lineForm) isStray(line []byte, l nodeLine) bool {
	return f.edited && !l.byID && !f.known(line)
}

// parse reads a line of the form of those that we write for nodes.
func (f lineForm) parse(line []byte) (l nodeLine, ok bool) {
	text, ended := bytes.CutSuffix(line, newline)
	address, names, spaced := bytes.Cut(text, []byte(" "))
	if !ended || !spaced || len(names) > maxNames {
		return l, false
	}
	l.names = names
	for name := range bytes.SplitSeq(names, []byte(" ")) {
		switch {
		case f.isID(name):
			if l.byID {
				return l, false // of two nodes
			}
			l.id, l.byID = zone.ID(name), true
		case !isName(name):
			return l, false
		case l.id == "":
			l.id = zone.ID(name)
		}
	}
	addr, err := netip.ParseAddr(string(address))
	if err != nil || addr.String() != string(address) || !isPublic(addr) {
		return l, false
	}
	l.addr = addr
	return l, true
}

// isID reports whether a name is this machine's ID, or of node-ID shape and as we
// spell it.
func (f lineForm) isID(name []byte) bool {
	if string(name) == string(f.local) && len(name) > 0 {
		return true
	}
	if len(name) <= len(f.prefix) || string(name[:len(f.prefix)]) != string(f.prefix) {
		return false
	}
	id, err := f.prefix.Parse(string(name))
	return err == nil && string(id) == string(name)
}

// isName reports whether a word may be a readable name.
func isName(word []byte) bool {
	name, err := zone.ParseName(string(word))
	return err == nil && name == string(word)
}

// isPublic reports whether a node can have the address: the zone publishes none
// of the others, so none of our lines has one.
func isPublic(addr netip.Addr) bool {
	return !addr.IsUnspecified() && !addr.IsLoopback() && !addr.IsMulticast() &&
		!addr.IsLinkLocalUnicast() && !addr.Is4In6() && addr.Zone() == ""
}

// localhostLines returns the lines for localhost that the user's lines lack. That
// of ::1 is for a machine that has it: elsewhere localhost would be an address that
// cannot be bound.
func localhostLines(six bool, user ...[]byte) []byte {
	var has []netip.Addr
	for _, lines := range user {
		has = append(has, hostsformat.Lookup(lines, "localhost")...)
	}
	var out []byte
	if !slices.Contains(has, netip.AddrFrom4([4]byte{127, 0, 0, 1})) {
		out = append(out, localhost4...)
	}
	if six && !slices.Contains(has, netip.IPv6Loopback()) {
		out = append(out, localhost6...)
	}
	return out
}
