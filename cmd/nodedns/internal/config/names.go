package config

import (
	"path"
	"strconv"
	"strings"

	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/zone"
)

const (
	// maxLabel and maxName are the limits of RFC 1035, section 2.3.4; a name
	// of 253 characters takes 255 bytes in a message.
	maxLabel = 63
	maxName  = 253
	// maxDomain leaves room for the longest node ID and its dot.
	maxDomain = maxName - maxLabel - 1
)

// prefix parses what node IDs begin with.
func prefix(s string) (zone.Prefix, error) {
	p := zone.Prefix(s)
	if p.Check() != nil {
		return "", expected("at most 31 lower-case letters, digits and hyphens, the first one not a hyphen")
	}
	return p, nil
}

// nodeID parses a freely chosen node name. It becomes the hostname and is
// written to the hosts file, where a number would be read as an address.
func nodeID(s string) (zone.ID, error) {
	id, err := zone.ParseID(s)
	if err != nil {
		return "", expected("a host name without dots: 1 to 63 letters, digits and hyphens, a hyphen neither first nor last")
	}
	if _, err := strconv.ParseUint(string(id), 0, 64); err == nil {
		return "", expected("a name that cannot be read as a number; add a letter")
	}
	if resolver.SpecialUse(string(id)) {
		return "", expected("a name that is not reserved for another use; choose another one")
	}
	return id, nil
}

// domain parses a domain that can be ours. Its final dot is optional.
func domain(s string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(s, "."))
	switch {
	case !hostName(name) || len(name) > maxDomain:
		return "", expected("a domain such as nodes.example, of at most %d characters", maxDomain)
	case resolver.SpecialUse(name):
		return "", expected("a domain that is not reserved for another use; choose another one")
	}
	return name, nil
}

// hostName reports whether a lower-case name consists of labels that a host
// may have (RFC 1123, section 2.1). Underscores are let through, as they occur
// in the domains of directory services.
func hostName(name string) bool {
	if len(name) > maxName {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}) {
			return false
		}
	}
	return true
}

// glob parses a pattern for the names of interfaces.
func glob(s string) (string, error) {
	if _, err := path.Match(s, ""); err != nil || s == "" || strings.Contains(s, "/") {
		return "", expected(`a name or pattern of interfaces, such as "eth0" or "en*"`)
	}
	return s, nil
}
