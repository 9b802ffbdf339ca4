package resolvconf

import (
	"net/netip"
	"strings"
)

// The most that is taken from one file. glibc uses 3 servers and, since
// version 2.26, any number of search domains.
const (
	maxServers = 16
	maxSearch  = 64

	dnsPort = 53
)

// Contents are what matters of a resolv.conf.
type Contents struct {
	Servers []netip.AddrPort // in order, without repetitions
	Search  []string         // the search list, as written
}

// Parse reads the text of a resolv.conf. Like glibc it skips what it does not
// understand.
func Parse(text string) Contents {
	var c Contents
	seen := map[netip.AddrPort]bool{}
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
			addr, err := netip.ParseAddr(words[1])
			if server := netip.AddrPortFrom(addr, dnsPort); err == nil && !seen[server] && len(c.Servers) < maxServers {
				seen[server] = true
				c.Servers = append(c.Servers, server)
			}
		case "domain":
			c.Search = words[1:2] // the last of all domain and search lines counts
		case "search":
			c.Search = words[1:min(len(words), 1+maxSearch)]
		}
	}
	return c
}
