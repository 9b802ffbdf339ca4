package zone

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxNames is how many readable names files can give to a node besides its ID.
const MaxNames = 8

// maxName bounds the length of a readable name in text (RFC 1035, section 2.3.4,
// without its lengths and the root).
const maxName = 253

// The readable names that no node may have, for what programs make of them.
var (
	// takenLabels have a meaning of their own as single labels: Debian's hosts
	// files have localhost's relatives, browsers look for their proxy at wpad, old
	// Windows systems for a tunnel at isatap, and role is a domain of ours.
	takenLabels = []string{"localdomain", "wpad", "isatap", "role"}
	// takenPrefix begins the names that hosts files give to IPv6 multicast groups
	// and to ::1.
	takenPrefix = "ip6-"
	// takenDomains are reserved (RFC 6761, 6762, 7686, 9476), or the Internet's
	// infrastructure. Nothing in them is a site's own, homeDomain excepted (RFC 8375).
	takenDomains = []string{"localhost", "invalid", "onion", "test", "local", "alt", "arpa", "localhost.localdomain"}
	homeDomain   = "home.arpa"
)

// ParseName returns the canonical form of a readable name, in lower case: a host
// name of one label or several (RFC 1123, section 2.1), at most 253 octets without
// the final dot. Names that mean something else everywhere are refused: addresses
// and numbers, localhost and its like, special-use domains, wpad and isatap.
func ParseName(text string) (string, error) {
	if len(text) == 0 || len(text) > maxName {
		return "", fmt.Errorf("name %.80q: want 1 to %d characters", text, maxName)
	}
	name := lower(text)
	for start, end := 0, 0; end <= len(name); end++ {
		if end < len(name) && name[end] != '.' {
			continue
		}
		if err := checkLabel(name[start:end]); err != nil {
			return "", fmt.Errorf("name %.80q: %w", text, err)
		}
		start = end + 1
	}
	if err := checkMeaning(name); err != nil {
		return "", fmt.Errorf("name %.80q: %w", text, err)
	}
	return name, nil
}

// ParseName is the function ParseName where IDs have a prefix: no name begins with a
// label that looks like one.
func (p Prefix) ParseName(text string) (string, error) {
	name, err := ParseName(text)
	if err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(name, ".")
	if _, shaped := shapedKeyOf(p, first); shaped {
		return "", fmt.Errorf("name %.80q: it looks like a node ID", text)
	}
	return name, nil
}

// checkLabel reports why a label in lower case cannot be one of a host name.
func checkLabel(label string) error {
	switch {
	case label == "" || len(label) > maxLabel:
		return fmt.Errorf("want labels of 1 to %d characters", maxLabel)
	case label[0] == '-' || label[len(label)-1] == '-':
		return errors.New("a label of a host name neither begins nor ends with a hyphen")
	}
	for i := range len(label) {
		if !isLabelByte(label[i]) {
			return errors.New("want letters, digits, hyphens and dots only")
		}
	}
	return nil
}

// checkMeaning reports what else a host name in lower case means. An IPv6 address is
// none, since it has colons, and an IPv4 address ends in a number.
func checkMeaning(name string) error {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if isNumber(last) {
		return errors.New("programs read it as an address")
	}
	if !strings.Contains(name, ".") && (slices.Contains(takenLabels, name) || strings.HasPrefix(name, takenPrefix)) {
		return errors.New("this name has a meaning of its own")
	}
	for _, domain := range takenDomains {
		if strings.HasSuffix(domain, last) && isWithin(name, domain) && !isWithin(name, homeDomain) {
			return fmt.Errorf("%s is reserved", domain)
		}
	}
	return nil
}

// isNumber reports whether a last label makes inet_aton(3) and URL parsers take
// the whole name for an address: digits, or hex digits after 0x.
func isNumber(label string) bool {
	digits, hex := strings.CutPrefix(label, "0x")
	return !strings.ContainsFunc(digits, func(c rune) bool {
		return (c < '0' || c > '9') && !(hex && c >= 'a' && c <= 'f')
	})
}

// isWithin reports whether a name is a domain or below it.
func isWithin(name, domain string) bool {
	rest, ok := strings.CutSuffix(name, domain)
	return ok && (rest == "" || strings.HasSuffix(rest, "."))
}
