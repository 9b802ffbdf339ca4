package decision

import (
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

// Name is a domain name in wire form: length-prefixed labels up to the root's
// empty one, uncompressed and in lower case. Since labels are delimited by
// their lengths, a dot or an escape within one is not ambiguous.
//
// A Name that this package did not make must be well-formed; its bytes must
// not change while it is in use.
type Name []byte

// The limits of a name in wire form, and of a label (RFC 1035, section 2.3.4).
const (
	maxName  = 255
	maxLabel = 63
)

// Root is the name without labels.
var Root = Name{0}

// ParseName returns the wire form of a name in presentation form, with or
// without its final dot.
func ParseName(text string) (Name, error) {
	var buffer [maxName]byte
	n, err := dns.PackDomainName(dns.Fqdn(text), buffer[:], 0, nil, false)
	if err != nil {
		return nil, fmt.Errorf("domain name %.300q: %w; want labels of 1 to 63 octets, 253 in all", text, err)
	}
	name := Name(slices.Clone(buffer[:n]))
	name.lower()
	return name, nil
}

// mustParseName is for the names in this package's tables.
func mustParseName(text string) Name {
	name, err := ParseName(text)
	if err != nil {
		panic(err)
	}
	return name
}

// lower folds ASCII letters only, as DNS does (RFC 4343). The octets that
// hold a label's length are below 'A', so they need no special case.
func (n Name) lower() {
	for i, c := range n {
		if c >= 'A' && c <= 'Z' {
			n[i] = c | 0x20
		}
	}
}

// String is the name in presentation form, with its final dot.
func (n Name) String() string {
	text, _, err := dns.UnpackDomainName(n, 0)
	if err != nil {
		return fmt.Sprintf("malformed name %x", []byte(n))
	}
	return text
}

// IsRoot reports whether the name has no labels.
func (n Name) IsRoot() bool { return len(n) <= 1 }

// label is the first label, that of the host; empty for the root.
func (n Name) label() []byte { return n[1 : 1+n[0]] }

// parent is the name without its first label. The root has none: the caller
// checks.
func (n Name) parent() Name { return n[1+n[0]:] }

// labels is the number of the name's labels, without the root's empty one.
func (n Name) labels() (count int) {
	for ; !n.IsRoot(); n = n.parent() {
		count++
	}
	return count
}

// single reports whether the name has exactly one label.
func (n Name) single() bool { return !n.IsRoot() && n.parent().IsRoot() }

// within reports whether the name is apex or below it.
func (n Name) within(apex Name) bool {
	// Few names have the length of the apex's first label where that would be:
	// the others need not be walked.
	if at := len(n) - len(apex); at < 0 || n[at] != apex[0] {
		return false
	}
	for len(n) > len(apex) {
		n = n.parent()
	}
	return string(n) == string(apex)
}

// childOf is the ancestor of the name, or the name itself, that is one label
// below an apex. The name must be below that apex.
func (n Name) childOf(apex Name) Name {
	for len(n.parent()) > len(apex) {
		n = n.parent()
	}
	return n
}
