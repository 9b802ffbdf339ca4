package decision

import (
	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/zone"
)

// nodes answers everything in the zone's name space: bare node IDs, all of the
// local domains, and names that only look like a node ID. None of them is ever
// forwarded, known or not.
func nodes(q *Question, view *View, v *Verdict) bool {
	if q.Name.IsRoot() {
		return false
	}
	if domain := view.Rules.localDomain(q.Name); domain != nil {
		inLocalDomain(q, domain, view, v)
		return true
	}
	top := q.Name.childOf(Root)
	node, shaped := view.Zone.LookupLabel(top.label())
	switch {
	case node.Exists() && len(top) == len(q.Name):
		ofNode(q, node, view, v)
	case node.Exists():
		unknown("below the name of a node", view, v)
	case shaped:
		unknown("no such node", view, v)
	default:
		return false
	}
	return true
}

// inLocalDomain answers for a domain that is entirely local.
func inLocalDomain(q *Question, domain *localDomain, view *View, v *Verdict) {
	if len(q.Name) == len(domain.Name) {
		const reason = "a local domain itself"
		if q.Type != dns.TypeANY {
			v.apex(q, domain.Name, SourceZone, reason, view.Rules)
			return
		}
		v.answer(AnyType, SourceZone, reason, view.Rules)
		return
	}
	child := q.Name.childOf(domain.Name)
	node, _ := view.Zone.LookupLabel(child.label())
	switch {
	case !node.Exists() && ofGroup(q, child, view, v):
	case !node.Exists() && ofName(q, domain, view, v):
	case !node.Exists():
		unknown("no such node", view, v)
	case len(child) == len(q.Name):
		ofNode(q, node, view, v)
	default:
		unknown("below the name of a node", view, v)
	}
	v.SOA = domain.Name
}

// ofNode answers for a name that the zone has.
func ofNode(q *Question, node zone.Node, view *View, v *Verdict) {
	v.Node = node
	switch {
	case q.Type == dns.TypeANY:
		v.answer(AnyType, SourceZone, "a node", view.Rules)
	case q.wantsAddress() && node.HasFamily(Family(q.Type)):
		v.answer(Addresses, SourceZone, "a node", view.Rules)
	case q.Type == dns.TypeTXT:
		v.answer(Text, SourceZone, "a node", view.Rules)
	default:
		// Never NXDOMAIN: that would deny the other types too (RFC 2308,
		// section 2.2).
		v.negative(dns.RcodeSuccess, SourceZone, "a node without such records", view.Rules)
		if node.IsLocal() && !node.HasAddr() {
			notReady("our own address is not known yet", v)
			v.Minimum = 0 // the node may appear at any moment
			return
		}
	}
	staleness(view, v)
}

// unknown answers for a name that could only be a node's and is not in the
// zone. Where the zone may be incomplete, it is not known that the name does
// not exist.
func unknown(reason string, view *View, v *Verdict) {
	if lack := lacking(view); lack != "" {
		*v = Refuse(dns.RcodeServerFailure, SourceZone, lack, ExtendedError{})
		notReady(lack, v)
		return
	}
	v.negative(dns.RcodeNameError, SourceZone, reason, view.Rules)
	if since, lost := view.Zone.ClusterLost(view.Now); lost {
		v.Error = ExtendedError{Code: dns.ExtendedErrorCodeStaleNXDOMAINAnswer, Since: since}
	}
}

// lacking returns why the zone may lack nodes that the cluster has, or "".
func lacking(view *View) string {
	switch {
	case !view.Zone.Ready():
		return "the cluster's nodes are not known yet"
	case view.Zone.Overflowed():
		return "the zone is full: not all of the cluster's nodes are known"
	}
	return ""
}

func notReady(text string, v *Verdict) {
	v.Error = ExtendedError{Code: dns.ExtendedErrorCodeNotReady, Text: text}
}

// staleness sets the extended error of an answer on a node that may be out of
// date.
func staleness(view *View, v *Verdict) {
	if v.Node.IsLocal() {
		return
	}
	if v.Node.Departed() {
		v.Error = ExtendedError{Code: dns.ExtendedErrorCodeStaleAnswer, Since: v.Node.Since()}
		return
	}
	if since, lost := view.Zone.ClusterLost(view.Now); lost && !v.Node.FromFile() { // a file is never out of reach
		v.Error = ExtendedError{Code: dns.ExtendedErrorCodeStaleAnswer, Since: since}
	}
}
