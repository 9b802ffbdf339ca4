package config

import (
	"fmt"
	"net/netip"
	"slices"
)

// Warnings tell what is valid and hardly meant, one sentence each.
func (c Config) Warnings() []string {
	var texts []string
	for _, l := range c.DNS.Listen {
		// Who listens on all addresses may mean any network with them.
		if !l.Addr().IsUnspecified() && !c.DNS.allows(l.Addr()) {
			texts = append(texts, fmt.Sprintf(
				"dns.listen has %s, but dns.allow no network with that address: clients beside it are refused; add their network to dns.allow", l))
		}
	}
	return texts
}

// allows reports whether clients at an address are answered.
func (d DNS) allows(client netip.Addr) bool {
	return slices.ContainsFunc(d.Allow, func(p netip.Prefix) bool { return p.Contains(client.WithZone("")) })
}
