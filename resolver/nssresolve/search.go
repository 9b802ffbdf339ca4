package nssresolve

import (
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

// spellings are the names that a name may stand for, in the order in which they
// are to be tried: with the domains of the machine's search list, as the C
// library has them (resolv.conf(5)).
//
// Unlike there, our own names take precedence over the search list: node IDs, the
// names that files give to nodes, the user's lines of the hosts file and special-use
// names stand for themselves only. Those that a cluster's nodes give to themselves
// come after it, as over DNS.
func (r *Resolver) spellings(name string, search []string, ndots int) []string {
	bare := strings.TrimSuffix(name, ".")
	dots := strings.Count(bare, ".")
	if bare == "" || bare != name || len(search) == 0 || r.isOwn(name, dots) {
		return []string{name}
	}
	all := resolvconf.Spellings(name, search, ndots)
	return slices.DeleteFunc(all, func(spelling string) bool {
		_, err := decision.ParseName(spelling)
		return err != nil // mostly it is too long
	})
}

// searchList is that of the machine with the first local domain behind it, as the C
// library finds it in a resolv.conf of ours, and its ndots.
func (r *Resolver) searchList() (search []string, ndots int) {
	machine := r.server.SystemConfig()
	return machine.SearchToo(r.server.LocalDomain()), resolvconf.Ndots(machine.Options)
}

// isOwn reports whether a name is decided on here, whatever the search list. A
// single label that only has no meaning by itself may have one with a domain.
func (r *Resolver) isOwn(name string, dots int) bool {
	v, ok := r.decide(name, dns.TypeA)
	if !ok || v.Step == decision.StepClusterNames {
		return false
	}
	switch v.Source {
	case decision.SourceZone, decision.SourceHosts:
		return true
	case decision.SourceSpecial:
		return dots > 0 || v.Kind == decision.Loopback
	}
	return false
}
