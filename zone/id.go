package zone

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"strings"
)

// ID is a node's name in its canonical, lower-case form.
type ID string

// Prefix is what every node ID of a cluster begins with.
type Prefix string

// DefaultPrefix is the prefix of Monogon Metropolis.
const DefaultPrefix Prefix = "metropolis-"

const (
	// hexLen is the number of hex digits in a node ID: the first 16 bytes of
	// an ed25519 public key.
	hexLen = 32
	// maxLabel is the length limit of one DNS label (RFC 1035, section 2.3.4).
	maxLabel = 63
)

// Check reports why p cannot begin a node ID, or nil.
func (p Prefix) Check() error {
	if len(p)+hexLen > maxLabel {
		return fmt.Errorf("prefix %q has %d characters: with the %d hex digits a DNS label holds, at most %d are possible",
			string(p), len(p), hexLen, maxLabel-hexLen)
	}
	for i := range len(p) {
		if !isLabelByte(p[i]) {
			return fmt.Errorf("prefix %q: want lower-case letters, digits and hyphens only", string(p))
		}
	}
	if strings.HasPrefix(string(p), "-") {
		return fmt.Errorf("prefix %q begins with a hyphen, which no host name may", string(p))
	}
	return nil
}

// FromPublicKey returns the ID of the node that owns pub. It needs no
// certificate, so a node has its name before it has joined a cluster.
func (p Prefix) FromPublicKey(pub ed25519.PublicKey) ID {
	return ID(string(p) + hex.EncodeToString(pub[:hexLen/2]))
}

// Parse returns the canonical form of a name of node-ID shape: the prefix and
// exactly 32 hex digits, in any letter case.
func (p Prefix) Parse(name string) (ID, error) {
	k, ok := shapedKeyOf(p, name)
	if !ok {
		return "", fmt.Errorf("%.80q is not a node ID: want %q and %d hex digits", name, string(p), hexLen)
	}
	return k.id(p), nil
}

// ParseID returns the canonical form of a freely chosen name, which must be
// one host name label (RFC 1123, section 2.1).
func ParseID(name string) (ID, error) {
	id := lower(name)
	switch {
	case id == "" || len(id) > maxLabel:
		return "", fmt.Errorf("node ID %.80q: want 1 to %d characters", name, maxLabel)
	case id[0] == '-' || id[len(id)-1] == '-':
		return "", fmt.Errorf("node ID %q: a host name neither begins nor ends with a hyphen", name)
	case id == "localhost":
		return "", fmt.Errorf("node ID %q: this name always means the loopback addresses (RFC 6761)", name)
	}
	for i := range len(id) {
		if !isLabelByte(id[i]) {
			return "", fmt.Errorf("node ID %q: want letters, digits and hyphens only, without dots", name)
		}
	}
	return ID(id), nil
}

func isLabelByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
}

// lower is a name in lower case, of its ASCII letters only (RFC 4343): others have
// some of these for their lower case.
func lower(name string) string {
	if isCanonical(name) {
		return name // as most are
	}
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c | 0x20
		}
		return c
	}, name)
}

// isCanonical reports whether a name is in lower case.
func isCanonical(name string) bool {
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return true
}

// equalFold compares a lower-case string with a name of any case, in ASCII
// only, as DNS does (RFC 4343).
func equalFold(lower string, name []byte) bool {
	if len(lower) != len(name) {
		return false
	}
	if string(name) == lower {
		return true // as nearly all queries have it
	}
	for i := range len(lower) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
