package resolvconf

import (
	"net/netip"
	"slices"
)

// Alternative is a source of the machine's servers other than the present one.
type Alternative struct {
	Source  string       `json:"source"`
	Servers []netip.Addr `json:"servers"`
}

// Alternatives are the sources, earlier originals among them, that list servers
// which m does not have. Those that are not usable do not count, nor does a
// listener of systemd-resolved, or what a source before it lists.
func (s *Sources) Alternatives(m SystemConfig, usable func(netip.AddrPort) bool) (all []Alternative) {
	listed := slices.Clone(m.Servers)
	for _, t := range append(s.known.Load()[:], s.location.readEarlier()...) {
		a := Alternative{Source: t.from}
		for _, server := range t.Servers {
			if usable(server) && !isResolved(server) && !slices.Contains(listed, server) {
				a.Servers = append(a.Servers, server.Addr())
				listed = append(listed, server)
			}
		}
		if t.from != m.From && len(a.Servers) > 0 {
			all = append(all, a)
		}
	}
	return all
}
