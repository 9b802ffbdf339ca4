package routes

import (
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// maxName is the length limit of a name in wire form (RFC 1035, section 2.3.4).
const maxName = 255

// Route leads the names in some domains to a target.
type Route[T any] struct {
	Domains []string // with or without their final dots
	Target  T
}

// Table finds the route of a name. It is immutable and may be used
// concurrently. A nil Table has no routes.
type Table[T any] struct {
	targets map[string]T // by domain, in wire form
	lengths lengths      // of the domains
}

// lengths are those that a domain has, in wire form. They rule out most names,
// and most suffixes of names, without a lookup.
type lengths [(maxName + 1) / 64]uint64

func (l *lengths) add(n int)      { l[n>>6&3] |= 1 << (n & 63) }
func (l *lengths) has(n int) bool { return l[n>>6&3]>>(n&63)&1 != 0 }

// New returns the table of some routes. It refuses a domain that is malformed
// or in two routes, and a route without any; the error has the numbers of the
// routes, counted from 1.
func New[T any](routes []Route[T]) (*Table[T], error) {
	t := &Table[T]{targets: map[string]T{}}
	owners := map[string]int{}
	for i, route := range routes {
		number := i + 1
		if len(route.Domains) == 0 {
			return nil, fmt.Errorf(`route %d: no domains; want at least one, or "." for all names`, number)
		}
		for _, domain := range route.Domains {
			wire, err := parse(domain)
			if err != nil {
				return nil, fmt.Errorf("route %d: domain %.300q: %w", number, domain, err)
			}
			switch owner := owners[wire]; owner {
			case 0, number:
			default:
				return nil, fmt.Errorf("routes %d and %d both have the domain %q; a domain goes one way", owner, number, domain)
			}
			owners[wire], t.targets[wire] = number, route.Target
			t.lengths.add(len(wire))
		}
	}
	return t, nil
}

// Lookup returns the target of the longest domain that a name is in, and how
// many labels that has: 0 is the root. The name is in wire form (RFC 1035,
// section 3.1), uncompressed and in lower case. Lookup takes no lock and
// allocates nothing.
func (t *Table[T]) Lookup(name []byte) (target T, labels int, ok bool) {
	if t == nil || len(t.targets) == 0 {
		return target, 0, false
	}
	for {
		if t.lengths.has(len(name)) {
			if target, ok = t.targets[string(name)]; ok {
				return target, count(name), true
			}
		}
		if name[0] == 0 {
			return target, 0, false
		}
		name = name[1+name[0]:]
	}
}

// count is the number of a name's labels, without the root's empty one.
func count(name []byte) (labels int) {
	for ; name[0] != 0; name = name[1+name[0]:] {
		labels++
	}
	return labels
}

// parse returns the wire form of a domain, in lower case.
func parse(text string) (string, error) {
	if rest, found := strings.CutPrefix(text, "*."); found {
		return "", fmt.Errorf("%.300q has the names below it too; leave the asterisk out", rest)
	}
	if text == "" {
		return "", errors.New(`it is empty; want "." for all names`)
	}
	var wire [maxName]byte
	n, err := dns.PackDomainName(dns.Fqdn(text), wire[:], 0, nil, false)
	if err != nil {
		return "", fmt.Errorf("%w; want labels of 1 to 63 octets, 253 in all", err)
	}
	// Only ASCII letters have two cases in the DNS (RFC 4343). The length octet of
	// a label is never an ASCII letter.
	for i, c := range wire[:n] {
		if c >= 'A' && c <= 'Z' {
			wire[i] = c | 0x20
		}
	}
	return string(wire[:n]), nil
}
