package decision

import (
	"slices"
	"strconv"

	"github.com/miekg/dns"
)

// use is the treatment of the names in a special-use domain.
type use uint8

const (
	// absent: nothing is there, not even the domain itself.
	absent use = iota + 1
	// emptyZone: the domain exists and nothing else in it does (RFC 6303,
	// section 3).
	emptyZone
	// hollow: every name is to be answered as if it existed without records.
	hollow
	// private: reverse names of private networks. Only upstreams on private
	// addresses can know them; without any, an empty zone.
	private
)

// specialUses is the table of the domains that are reserved in IANA's
// registries of special-use names and of locally served zones. It lacks
// localhost, which is a step of its own, and domains that resolvers must treat
// like any other: home.arpa (RFC 8375), ipv4only.arpa (RFC 8880), service.arpa
// (RFC 9665) and the example domains.
var specialUses = func() map[string]use {
	uses := map[string]use{}
	add := func(u use, domains ...string) {
		for _, domain := range domains {
			uses[string(mustParseName(domain))] = u
		}
	}
	add(absent,
		"invalid", // RFC 6761, section 6.4
		"test",    // RFC 6761, section 6.2
		"onion",   // RFC 7686, section 2
		"local",   // RFC 6762, section 22.1: multicast DNS
		"alt",     // RFC 9476: no names of the DNS
	)
	add(hollow, "resolver.arpa") // RFC 9462, section 6.4: we designate no resolver
	add(emptyZone,               // RFC 6303, sections 4.2 to 4.6
		"0.in-addr.arpa",
		"254.169.in-addr.arpa",
		"2.0.192.in-addr.arpa",
		"100.51.198.in-addr.arpa",
		"113.0.203.in-addr.arpa",
		"255.255.255.255.in-addr.arpa",
		"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
		"8.e.f.ip6.arpa", "9.e.f.ip6.arpa", "a.e.f.ip6.arpa", "b.e.f.ip6.arpa",
		"8.b.d.0.1.0.0.2.ip6.arpa",
	)
	add(private, "10.in-addr.arpa", "168.192.in-addr.arpa") // RFC 1918
	for octet := 16; octet < 32; octet++ {
		add(private, strconv.Itoa(octet)+".172.in-addr.arpa")
	}
	for octet := 64; octet < 128; octet++ { // RFC 7793
		add(private, strconv.Itoa(octet)+".100.in-addr.arpa")
	}
	add(private, "c.f.ip6.arpa", "d.f.ip6.arpa") // RFC 4193
	return uses
}()

// reserved are the domains whose meaning is fixed by RFC 6761, 6762, 7686 and
// 9476. All of arpa is the Internet's infrastructure, except home.arpa, which
// RFC 8375 leaves to each site.
var (
	reserved = []Name{
		localhostApex, mustParseName("invalid"), mustParseName("onion"), mustParseName("test"),
		mustParseName("local"), mustParseName("alt"), mustParseName("arpa"),
	}
	homeZone = mustParseName("home.arpa")
)

// Reserved reports whether a name is in a domain that no site can use as its
// own.
func Reserved(name Name) bool {
	return !name.within(homeZone) && slices.ContainsFunc(reserved, name.within)
}

// multicastZone is the domain of multicast DNS, which older sites have theirs in.
var multicastZone = mustParseName("local")

// InMulticast reports whether a name is below local. That domain itself is not.
func InMulticast(name Name) bool {
	return name.within(multicastZone) && len(name) > len(multicastZone)
}

// specialUse answers names that must not leak to servers that cannot know
// them.
func specialUse(q *Question, view *View, v *Verdict) bool {
	domain, u := findUse(q.Name)
	apex := len(domain) == len(q.Name)
	switch {
	case u == 0, apex && ofParent(q, view):
		return false
	case u == private && view.Reach == ReachPrivate:
		v.Private = true
		v.forward()
		return true
	}
	const reason = "a special-use name"
	rcode := dns.RcodeNameError
	if u == hollow || u != absent && (apex || aboveAddress(q.Name)) {
		rcode = dns.RcodeSuccess
	}
	if inHosts(q.Name, view) {
		rcode = dns.RcodeSuccess // it exists, if only in the hosts file
	}
	v.negative(rcode, SourceSpecial, reason, view.Rules)
	switch {
	case u == absent:
	case apex:
		v.apex(q, domain, SourceSpecial, reason, view.Rules)
	default:
		v.SOA = domain
	}
	return true
}

// specialTops are the top-level domains that the table's domains are in. They
// are few, and nearly all differ from a name's in length: no map is as fast.
var specialTops = func() (tops []Name) {
	for domain := range specialUses {
		if top := Name(domain).childOf(Root); !top.isIn(tops) {
			tops = append(tops, top)
		}
	}
	return tops
}()

// isIn reports whether the name is in a short list.
func (n Name) isIn(names []Name) bool {
	for _, name := range names {
		if string(n) == string(name) {
			return true
		}
	}
	return false
}

// findUse finds the special-use domain that a name is in, the innermost one
// first. For most names the last label shows that it is in none.
func findUse(name Name) (Name, use) {
	if name.IsRoot() || !name.childOf(Root).isIn(specialTops) {
		return nil, 0
	}
	for ; !name.IsRoot(); name = name.parent() {
		if u := specialUses[string(name)]; u != 0 {
			return name, u
		}
	}
	return nil, 0
}
