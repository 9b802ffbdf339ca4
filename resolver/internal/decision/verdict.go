package decision

import (
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/hosts"
	"github.com/nodedns/nodedns/zone"
)

// Kind is what a reply is made of.
type Kind uint8

const (
	// Forward is no reply yet: the upstreams are to be asked.
	Forward Kind = iota
	// Addresses of Verdict.Node, of the family asked for.
	Addresses
	// Loopback is the loopback address of the family asked for.
	Loopback
	// NodeName is a PTR record with the name of Verdict.Node.
	NodeName
	// LocalhostName is a PTR record with the name localhost.
	LocalhostName
	// HostAddresses are those of Verdict.HostAddrs, of the family asked for.
	HostAddresses
	// HostName is a PTR record with Verdict.HostName.
	HostName
	// Text is a TXT record that describes Verdict.Node.
	Text
	// RoleAddresses are those of the nodes in Verdict.Zone that have
	// Verdict.Role, of the family asked for.
	RoleAddresses
	// CuratorServices are SRV records for the curators in Verdict.Zone.
	CuratorServices
	// ZoneAuthority is the SOA record of Verdict.SOA.
	ZoneAuthority
	// ZoneServer is the NS record of Verdict.SOA: the server that its SOA names.
	ZoneServer
	// AnyType is the HINFO record of RFC 8482.
	AnyType
	// Negative is no answer, and the SOA that limits for how long.
	Negative
	// Bare is no record at all.
	Bare
	// Cached is the reply in Verdict.Hit.
	Cached
)

// Verdict is the decision on a question. The zero value forwards it.
type Verdict struct {
	Kind          Kind
	Step          Step // that settled it
	Rcode         int  // as in dns.RcodeToString
	Authoritative bool // the AA bit
	Private       bool // forward to upstreams on private addresses only
	Route         int  // forward to those of this route; 0: of none
	Searched      bool // the route is one of the search list
	Site          bool // the route is one of the name's domain, and not of "."
	InHosts       bool // the hosts file has the name, so it exists; see Outcome
	OwnLine       bool // its lines in the hosts file stand behind the zone
	Endless       bool // a failure: its aliases lead in a circle, or through too many names

	Node      zone.Node       // of Addresses, NodeName and Text
	Canonical *zone.Canonical // of NodeName: in which form it has the name
	Zone      *zone.Snapshot  // of RoleAddresses and CuratorServices
	Role      zone.Roles      // of RoleAddresses
	HostAddrs hosts.Addrs     // of HostAddresses
	HostName  string          // of HostName: a Name, but spelled as in the file

	TTL     uint32 // of the records, in seconds
	SOA     Name   // the zone: a local domain, an empty zone, or the root
	Minimum uint32 // of its SOA, whose own TTL that is too, in seconds (RFC 2308)

	// Hit is the reply of a Cached verdict. In a Forward it is absent or stale: it
	// may be recalled if the upstreams fail.
	Hit cache.Hit

	Error ExtendedError
	// Source and Reason describe to people where the reply comes from, and by
	// which rule.
	Source Source
	Reason string
}

// ExtendedError is what RFC 8914 adds to a reply. The zero value is none: code 0,
// "other", is only that of Rivals.
type ExtendedError struct {
	Code uint16
	Text string
	// Since is added to the text as a time, unless it is zero. It is kept
	// apart because formatting allocates.
	Since time.Time
	// Rivals are the nodes that claim the name, where that is what is wrong; the
	// text names them.
	Rivals zone.Rivals
}

// Present reports whether there is an extended error.
func (e *ExtendedError) Present() bool { return e.Code != 0 || e.Rivals.Exist() }

// Message is the text for the reply. It may be empty, since the code is
// self-explanatory.
func (e *ExtendedError) Message() string { return string(e.AppendMessage(nil)) }

// AppendMessage appends the text for the reply, and allocates nothing if there
// is room for it.
func (e *ExtendedError) AppendMessage(dst []byte) []byte {
	if e.Rivals.Exist() {
		rivals := e.Rivals.Nodes()
		dst = rivals[0].AppendID(append(dst, "the name is claimed by both "...))
		return rivals[1].AppendID(append(dst, " and "...))
	}
	if e.Since.IsZero() {
		return append(dst, e.Text...)
	}
	return e.Since.UTC().AppendFormat(append(dst, "since "...), time.RFC3339)
}

// Source is the part that a reply comes from.
type Source uint8

// The sources of replies.
const (
	SourceRequest  Source = iota // the request could not be served as it was
	SourceZone                   // the nodes and local domains
	SourceHosts                  // the user's lines of the hosts file
	SourceSpecial                // special-use names
	SourceUpstream               // another server, or the lack of one
	SourceCache                  // another server, a while ago

	Sources // their number
)

// String is the source in one word.
func (s Source) String() string {
	switch s {
	case SourceRequest:
		return "request"
	case SourceZone:
		return "zone"
	case SourceHosts:
		return "hosts"
	case SourceSpecial:
		return "special"
	case SourceCache:
		return "cache"
	default:
		return "upstream"
	}
}

// answer is a reply with records.
func (v *Verdict) answer(kind Kind, source Source, reason string, rules *Rules) {
	v.Kind, v.Rcode, v.Authoritative = kind, dns.RcodeSuccess, true
	v.TTL, v.Source, v.Reason = rules.ttl, source, reason
}

// apex is the reply to a question about a zone of ours itself, which has an SOA
// and an NS record and no other.
func (v *Verdict) apex(q *Question, zone Name, source Source, reason string, rules *Rules) {
	switch q.Type {
	case dns.TypeSOA:
		v.answer(ZoneAuthority, source, reason, rules)
	case dns.TypeNS:
		v.answer(ZoneServer, source, reason, rules)
	default:
		v.negative(dns.RcodeSuccess, source, reason, rules)
	}
	v.SOA, v.Minimum = zone, rules.ttl
}

// negative is NODATA, or NXDOMAIN, for as long as an answer would have held.
func (v *Verdict) negative(rcode int, source Source, reason string, rules *Rules) {
	v.Kind, v.Rcode, v.Authoritative = Negative, rcode, true
	v.SOA, v.Minimum = Root, rules.ttl
	v.Source, v.Reason = source, reason
}

// forward leaves the question to other servers.
func (v *Verdict) forward() {
	v.Kind, v.Source, v.Reason = Forward, SourceUpstream, v.Forwarding()
}

// Forwarding is why a question is for other servers, if it is. Unlike Reason it
// stays when the cache has their answer.
func (v *Verdict) Forwarding() string {
	switch {
	case v.Searched:
		return "in a domain of the search list below local, which goes to the servers that come with the list"
	case v.Route != 0:
		return "a route has the name"
	case v.Private:
		return "the reverse name of a private address"
	}
	return "not a name of ours"
}

// Covers reports whether the servers that a forwarded question goes to have
// another name too, or else nobody. It looks at no type: what is ours for
// addresses, or another group's, is not theirs. An alias of theirs may lead to such
// a name, and all that they say of it is without meaning.
func (v *Verdict) Covers(name Name, view *View) bool {
	const uncached = true
	host := Decide(&Question{Name: name, Type: dns.TypeA, Alone: uncached, Aliased: true}, view)
	if host.Step == StepUpstreams && host.Kind == Bare {
		return true
	}
	return host.Kind == Forward && !host.InHosts && host.Route == v.Route && host.Private == v.Private
}

// Outcome is the response code for the client when an upstream answered with
// rcode. An upstream that denies a name in the hosts file does not know it: the
// name exists, without records of that type. A denial behind aliases is about
// another name, the last one (RFC 6604, section 3).
func (v *Verdict) Outcome(rcode int, aliased bool) int {
	if v.InHosts && rcode == dns.RcodeNameError && !aliased {
		return dns.RcodeSuccess
	}
	return rcode
}

// Recall makes the verdict the reply in Hit, of which there must be one.
func (v *Verdict) Recall() {
	v.Kind, v.Rcode, v.Source = Cached, v.Outcome(v.Hit.Rcode(), v.Hit.Answered()), SourceCache
	v.Reason, v.Endless = "an upstream answered a while ago", v.Hit.Endless
	switch {
	case v.Hit.Failure: // RFC 9520
		v.Reason = "the upstreams failed a short while ago"
		v.Error = ExtendedError{Code: dns.ExtendedErrorCodeCachedError}
	case v.Hit.Stale && v.Rcode == dns.RcodeNameError: // RFC 8767
		v.Reason = "a stale answer, since the upstreams do not answer"
		v.Error = ExtendedError{Code: dns.ExtendedErrorCodeStaleNXDOMAINAnswer}
	case v.Hit.Stale:
		v.Reason = "a stale answer, since the upstreams do not answer"
		v.Error = ExtendedError{Code: dns.ExtendedErrorCodeStaleAnswer}
	}
}

// Refuse is a reply without records.
func Refuse(rcode int, source Source, reason string, extended ExtendedError) Verdict {
	return Verdict{Kind: Bare, Rcode: rcode, Source: source, Reason: reason, Error: extended}
}
