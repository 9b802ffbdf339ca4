package config

import (
	"fmt"
	"net/netip"
	"slices"
)

// Warnings report what is valid but probably not intended, one sentence each.
func (c Config) Warnings() []string {
	var texts []string
	for _, l := range c.Listen {
		served := func(allowed netip.Prefix) bool { return meets(allowed, l.Addr()) }
		if !slices.ContainsFunc(c.DNS.Allow, served) {
			texts = append(texts, fmt.Sprintf(
				"dns.listen has %s, but dns.allow no network of clients that ask there: all are refused; add their network to dns.allow", l))
		}
	}
	return texts
}

// meets reports whether clients in a network may reach a listener, judging by
// its address.
func meets(clients netip.Prefix, listener netip.Addr) bool {
	if clients.Addr().Is4() != listener.Is4() {
		return false
	}
	for _, near := range nearby {
		switch {
		case near.Contains(listener.WithZone("")):
			return clients.Overlaps(near)
		case near.Contains(clients.Addr()) && !listener.IsUnspecified():
			return false
		}
	}
	return true
}

// nearby are the networks that are only queried from within. Link-local
// addresses of IPv4 are not among them: containers query there via their
// router, which is this machine.
var nearby = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fe80::/10"),
}
