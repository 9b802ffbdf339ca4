package decision

import (
	"github.com/miekg/dns"
)

// The names that mean this machine wherever they are asked for. All of
// 127.0.0.0/8 is local; only the address that has a name has a PTR record.
var (
	localhostApex = mustParseName("localhost")
	loopbackZone  = mustParseName("127.in-addr.arpa")
	loopbackPTR   = mustParseName("1.0.0.127.in-addr.arpa")
	loopbackPTRv6 = mustParseName("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa")
)

// localhost answers the loopback's names, which are always answered locally
// (RFC 6761, section 6.3, and RFC 6303, section 4.2, for the reverse ones).
func localhost(q *Question, view *View, v *Verdict) bool {
	switch {
	case q.Name.within(localhostApex):
		localhostForward(q, view, v)
	case q.Name.within(loopbackZone), string(q.Name) == string(loopbackPTRv6):
		return localhostReverse(q, view, v)
	default:
		return false
	}
	return true
}

// localhostForward answers with the loopback addresses that there are. Where IPv6
// is off, ::1 can be neither bound nor reached, and a positive answer with it would
// only have programs fail; RFC 6761 asks for the loopback address, not for one of
// each family.
func localhostForward(q *Question, view *View, v *Verdict) {
	const reason = "localhost is always this machine"
	switch {
	case q.Type == dns.TypeAAAA && !view.hasIPv6Loopback():
		v.negative(dns.RcodeSuccess, SourceSpecial, "localhost is always this machine, which has no ::1", view.Rules)
	case q.wantsAddress():
		v.answer(Loopback, SourceSpecial, reason, view.Rules)
	case q.Type == dns.TypeANY:
		v.answer(AnyType, SourceSpecial, reason, view.Rules)
	default:
		v.negative(dns.RcodeSuccess, SourceSpecial, reason, view.Rules)
	}
}

func localhostReverse(q *Question, view *View, v *Verdict) bool {
	const reason = "loopback addresses are always this machine's"
	zone := loopbackZone
	if !q.Name.within(zone) {
		zone = loopbackPTRv6
	}
	apex := len(q.Name) == len(zone)
	named := string(q.Name) == string(loopbackPTR) || string(q.Name) == string(loopbackPTRv6)
	switch {
	case apex && ofParent(q, view):
		return false
	case named && q.Type == dns.TypePTR:
		v.answer(LocalhostName, SourceSpecial, reason, view.Rules)
	case named && q.Type == dns.TypeANY:
		v.answer(AnyType, SourceSpecial, reason, view.Rules)
	case apex:
		v.apex(q, zone, SourceSpecial, reason, view.Rules)
	case named, loopbackPTR.within(q.Name):
		// Between the zone's apex and the address are names without records
		// that exist nevertheless (RFC 8020, section 2).
		v.negative(dns.RcodeSuccess, SourceSpecial, reason, view.Rules)
	case inHosts(q.Name, view):
		// Such as Debian's 127.0.1.1 with the machine's name.
		if q.Type == dns.TypePTR || q.Type == dns.TypeANY {
			return false
		}
		v.negative(dns.RcodeSuccess, SourceSpecial, reason, view.Rules)
	default:
		v.negative(dns.RcodeNameError, SourceSpecial, reason, view.Rules)
	}
	v.SOA = zone
	return true
}
