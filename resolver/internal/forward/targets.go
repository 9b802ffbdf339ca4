package forward

import (
	"net/netip"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/routes"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Targets are the upstreams that result from the settings, and how far they are
// trusted. They are immutable; new ones replace them.
type Targets struct {
	decision.Setup                         // that leads to them
	Servers        *upstream.Group         // all of those that no route has
	Private        *upstream.Group         // those of them on private addresses
	Routed         []*upstream.Group       // of each route
	Sites          *routes.Table[struct{}] // which names may point to private networks
	// RebindProtection withholds answers that point other names to private
	// networks, or to what is ours.
	RebindProtection bool
	Ours             func(netip.Addr) bool // of this machine or a node; set with RebindProtection
	TrustAD          bool                  // pass the AD bit on
}

// Group is where a verdict sends a question.
func (t *Targets) Group(verdict *decision.Verdict) *upstream.Group {
	switch {
	case verdict.Route != 0:
		return t.Routed[verdict.Route-1]
	case verdict.Private:
		return t.Private
	}
	return t.Servers
}

// rebinds finds an address in an answer for a name that must be withheld from
// clients. The names of the site itself, for which there is a route or an
// exception, may point anywhere.
func (t *Targets) rebinds(answer *dns.Msg, name decision.Name, site bool) (netip.Addr, bool) {
	if !t.RebindProtection || site {
		return netip.Addr{}, false
	}
	if _, _, excepted := t.Sites.Lookup(name); excepted {
		return netip.Addr{}, false
	}
	return upstream.Rebinds(answer, t.Ours)
}
