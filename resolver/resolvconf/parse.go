package resolvconf

import (
	"net/netip"
	"slices"
	"strings"
)

// The most that is taken from one file. glibc uses 3 servers and, since
// version 2.26, any number of search domains.
const (
	maxServers = 16
	maxSearch  = 64
	maxOptions = 32

	dnsPort = 53
)

// Contents are the relevant parts of a resolv.conf.
type Contents struct {
	Servers []netip.AddrPort // in order, without repetitions
	Search  []string         // the search list, as written; nil without one
	Options []string         // in order, without repetitions
}

func (c Contents) equal(other Contents) bool {
	return slices.Equal(c.Servers, other.Servers) && slices.Equal(c.Options, other.Options) &&
		slices.Equal(c.Search, other.Search) && (c.Search == nil) == (other.Search == nil)
}

// Parse reads the text of a resolv.conf. Like glibc it skips what it does not
// understand.
func Parse(text string) Contents {
	var c Contents
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "nameserver":
			if addr, err := netip.ParseAddr(words[1]); err == nil {
				c.Servers = appendNew(c.Servers, maxServers, netip.AddrPortFrom(addr, dnsPort))
			}
		case "domain":
			c.Search = words[1:2] // the last of all domain and search lines counts
		case "search":
			c.Search = words[1:min(len(words), 1+maxSearch)]
		case "options":
			c.Options = appendNew(c.Options, maxOptions, words[1:]...) // of all lines
		}
	}
	return c
}

// appendNew appends what the list lacks, up to the limit.
func appendNew[T comparable](list []T, room int, items ...T) []T {
	for _, item := range items {
		if len(list) < room && !slices.Contains(list, item) {
			list = append(list, item)
		}
	}
	return list
}
