package resolvconf

import (
	"slices"
	"strings"
	"unicode"

	"github.com/miekg/dns"
)

// maxDomain is the length limit of a domain name as text (RFC 1035, section
// 2.3.4), which the library exceeds by its final dot.
const maxDomain = 253

// domains are the domain names in a search list as it was written, once each and
// without the dots around them. The root, as in "search .", stands for the name
// as it is, which is tried anyway; what else is none the C library asks for in
// vain, and others reject the whole list for it. The result is nil for a list
// that is not there, and for no other.
func domains(search []string) []string {
	if search == nil {
		return nil
	}
	found := []string{}
	for _, word := range search {
		domain := strings.TrimSuffix(strings.TrimPrefix(word, "."), ".")
		same := func(other string) bool { return strings.EqualFold(domain, other) }
		if isDomain(domain) && !slices.ContainsFunc(found, same) {
			found = append(found, domain)
		}
	}
	return found
}

// isDomain reports whether a text is a domain name of letters, digits, hyphens
// and underscores. No top-level domain is a number, so that an address is none.
func isDomain(text string) bool {
	_, ok := dns.IsDomainName(text)
	topLevel := text[strings.LastIndexByte(text, '.')+1:]
	return ok && len(text) <= maxDomain && !strings.ContainsFunc(text, isForeign) &&
		strings.ContainsFunc(topLevel, func(c rune) bool { return !isDigit(c) })
}

// isForeign reports whether a character is of no domain name.
func isForeign(c rune) bool {
	return !isDigit(c) && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' && c != '.'
}

func isDigit(c rune) bool { return '0' <= c && c <= '9' }

// printable are the options that a file of ours can repeat.
func printable(options []string) []string {
	return slices.DeleteFunc(slices.Clone(options), func(option string) bool {
		return strings.ContainsFunc(option, func(c rune) bool { return c > unicode.MaxASCII || !unicode.IsPrint(c) })
	})
}
