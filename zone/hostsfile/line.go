package hostsfile

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

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

// lineForm knows how the lines of nodes look.
type lineForm struct {
	prefix zone.Prefix
	local  zone.ID // may be a free name, without node-ID shape
}

// isNode says whether a line is, byte for byte, one that we write for a node.
func (f lineForm) isNode(line []byte) bool {
	_, _, ok := f.node(line)
	return ok
}

// node reads a line that we wrote for a node.
func (f lineForm) node(line []byte) (addr netip.Addr, id zone.ID, ok bool) {
	text, ended := strings.CutSuffix(string(line), "\n")
	address, name, spaced := strings.Cut(text, " ")
	if !ended || !spaced {
		return addr, "", false
	}
	id = zone.ID(name)
	if id != f.local || id == "" {
		if canonical, err := f.prefix.Parse(name); err != nil || canonical != id {
			return addr, "", false
		}
	}
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.String() != address || !isPublic(addr) {
		return addr, "", false
	}
	return addr, id, true
}

// isPublic says whether a node can have the address: the zone publishes none
// of the others, so none of our lines has one.
func isPublic(addr netip.Addr) bool {
	return !addr.IsUnspecified() && !addr.IsLoopback() && !addr.IsMulticast() &&
		!addr.IsLinkLocalUnicast() && !addr.Is4In6() && addr.Zone() == ""
}

// entry reads a line as glibc does: an address, names after white space, and a
// comment from # on. The names are for hasName. It allocates nothing.
func entry(line []byte) (address, names []byte) {
	if i := bytes.IndexByte(line, '#'); i >= 0 {
		line = line[:i]
	}
	line = bytes.TrimLeftFunc(line, isSpace)
	i := bytes.IndexFunc(line, isSpace)
	if i < 0 {
		return nil, nil
	}
	return line[:i], line[i:]
}

// isSpace is C's isspace in the POSIX locale: CR counts, a no-break space does
// not.
func isSpace(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' }

// hasName says whether the names of an entry have this one, in any case.
func hasName(names, name []byte) bool {
	for n := range bytes.FieldsFuncSeq(names, isSpace) {
		if bytes.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// lookup returns the addresses that a hosts file has for a name.
func lookup(content []byte, name string) []netip.Addr {
	var found []netip.Addr
	for wanted := []byte(name); len(content) > 0; {
		line := nextLine(content)
		content = content[len(line):]
		address, names := entry(line)
		if !hasName(names, wanted) {
			continue
		}
		if addr, err := netip.ParseAddr(string(address)); err == nil {
			found = append(found, addr)
		}
	}
	return found
}

// localhostLines returns the lines for localhost that the user's lines lack.
func localhostLines(user ...[]byte) []byte {
	var has []netip.Addr
	for _, lines := range user {
		has = append(has, lookup(lines, "localhost")...)
	}
	var out []byte
	if !slices.Contains(has, netip.AddrFrom4([4]byte{127, 0, 0, 1})) {
		out = append(out, localhost4...)
	}
	if !slices.Contains(has, netip.IPv6Loopback()) {
		out = append(out, localhost6...)
	}
	return out
}
