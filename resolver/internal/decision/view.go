package decision

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/hosts"
	"github.com/nodedns/nodedns/resolver/internal/routes"
	"github.com/nodedns/nodedns/zone"
)

// View is all that a decision depends on, at one point in time.
type View struct {
	Zone *zone.Snapshot
	// Now in CLOCK_BOOTTIME, on the same clock as the zone's.
	Now time.Duration
	// Hosts are the user's lines of the hosts file; nil: there are none.
	Hosts *hosts.Table
	*Setup
}

// Setup is the part of a View that is the same from one query to the next, and
// so need not be built for each.
type Setup struct {
	// Rules are the configured ones.
	Rules *Rules
	// Search is the machine's search list.
	Search []Name
	// Routes are the configured ones; nil: there are none.
	Routes *routes.Table[Route]
	// Reach is which upstreams there are.
	Reach Reach
	// Cache has their earlier replies; nil: there is none.
	Cache *cache.Cache
	// IPv6Loopback reports whether this machine has ::1; nil: it has.
	IPv6Loopback func() bool
}

func (s *Setup) hasIPv6Loopback() bool { return s.IPv6Loopback == nil || s.IPv6Loopback() }

// Rules are the part of the configuration that decisions depend on. They are
// immutable.
type Rules struct {
	domains     []localDomain // longest first
	canonical   zone.Canonical
	ttl         uint32
	singleLabel bool
}

// localDomain is a domain that is entirely local.
type localDomain struct {
	Name
	text []byte // the name as the zone has readable names
}

// RulesConfig is what Rules are made of.
type RulesConfig struct {
	Domains     []string       // under which nodes are known besides their bare names
	Canonical   zone.Canonical // the form of a node's name in PTR records
	TTL         time.Duration  // of our answers, in whole seconds
	SingleLabel bool           // single labels are forwarded
}

// NewRules checks and prepares the rules.
func NewRules(config RulesConfig) (*Rules, error) {
	// RFC 2181, section 8.
	if config.TTL < 0 || config.TTL > (1<<31-1)*time.Second {
		return nil, fmt.Errorf("zone ttl %v: want 0 to %d seconds", config.TTL, 1<<31-1)
	}
	r := &Rules{canonical: config.Canonical, ttl: uint32(config.TTL / time.Second), singleLabel: config.SingleLabel}
	for _, text := range config.Domains {
		name, err := ParseName(text)
		if err != nil {
			return nil, fmt.Errorf("zone domains: %w", err)
		}
		if name.IsRoot() {
			return nil, fmt.Errorf("zone domains: %q is the root: all names would be ours", text)
		}
		if Reserved(name) {
			return nil, fmt.Errorf("zone domains: %q is reserved for another use; choose another one", text)
		}
		if len(name) > maxName-maxLabel-1 || strings.ContainsFunc(text, isOdd) {
			return nil, fmt.Errorf("zone domains: no host can be below %.300q; want letters, digits, hyphens and underscores, "+
				"and room for a label", text)
		}
		r.domains = append(r.domains, localDomain{name, appendText(nil, name[:len(name)-1])})
	}
	// Of two domains, one below the other, the inner one decides.
	slices.SortStableFunc(r.domains, func(a, b localDomain) int { return cmp.Compare(len(b.Name), len(a.Name)) })
	return r, nil
}

// isOdd reports whether a character of a domain as text is of no host's name.
func isOdd(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
}

// localDomain is the innermost local domain that a name is in, or nil.
func (r *Rules) localDomain(name Name) *localDomain {
	for i := range r.domains {
		if domain := &r.domains[i]; name.within(domain.Name) {
			return domain
		}
	}
	return nil
}

// hasDomain reports whether labels, without the root's, are a local domain.
func (r *Rules) hasDomain(labels []byte) bool {
	for i := range r.domains {
		if name := r.domains[i].Name; bytes.Equal(name[:len(name)-1], labels) {
			return true
		}
	}
	return false
}

// Reach is which upstreams there are.
type Reach uint8

// The upstreams there may be. With ReachPrivate at least one is on a private
// address, so that it may know the names of a private network.
const (
	ReachNone Reach = iota
	ReachPublic
	ReachPrivate
)

// sharedSpace is RFC 6598's range between carriers and their customers.
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

// IsPrivate reports whether an upstream's address is on a private network or on
// this machine: queries to it do not reach the public.
func IsPrivate(addr netip.Addr) bool {
	addr = addr.Unmap()
	return addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || sharedSpace.Contains(addr)
}
