package decision

import (
	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/zone"
)

// The names below a local domain that stand for several nodes:
//
//	_curator._tcp.DOMAIN    the curators, as SRV records (RFC 2782)
//	ROLE.role.DOMAIN        the nodes that have a role
//
// The domains between exist without records of their own (RFC 8020).
const (
	tcpLabel     = "_tcp"
	curatorLabel = "_curator"
	roleLabel    = "role"
)

// roleLabels are the names of the roles, as labels.
var roleLabels = [...]struct {
	label string
	role  zone.Roles
}{
	{zone.ConsensusMember.String(), zone.ConsensusMember},
	{zone.KubernetesController.String(), zone.KubernetesController},
	{zone.KubernetesWorker.String(), zone.KubernetesWorker},
}

// ofGroup answers for the names of groups below a local domain. The name is not a
// node's, and is top, one label below that domain, or below it.
func ofGroup(q *Question, top Name, view *View, v *Verdict) bool {
	service, ofRoles := string(top.label()) == tcpLabel, string(top.label()) == roleLabel
	if !service && !ofRoles {
		return false
	}
	if len(top) == len(q.Name) {
		ofHollow(q, "a domain of names of groups", view, v)
		return true
	}
	group := q.Name.childOf(top)
	whole := len(group) == len(q.Name)
	role, isRole := roleOf(group.label())
	switch {
	case whole && service && string(group.label()) == curatorLabel:
		ofCurators(q, view, v)
	case whole && ofRoles && isRole:
		ofRole(q, role, view, v)
	default:
		// The set of groups is fixed, independent of the nodes.
		v.negative(dns.RcodeNameError, SourceZone, "no such group of nodes", view.Rules)
	}
	return true
}

func roleOf(label []byte) (zone.Roles, bool) {
	for _, known := range roleLabels {
		if known.label == string(label) {
			return known.role, true
		}
	}
	return 0, false
}

// ofHollow answers for a name that exists without any record.
func ofHollow(q *Question, reason string, view *View, v *Verdict) {
	if q.Type == dns.TypeANY {
		v.answer(AnyType, SourceZone, reason, view.Rules)
		return
	}
	v.negative(dns.RcodeSuccess, SourceZone, reason, view.Rules)
}

func ofRole(q *Question, role zone.Roles, view *View, v *Verdict) {
	const reason = "the nodes that have a role"
	v4 := hasRole(view, role, zone.IPv4)
	v6 := hasRole(view, role, zone.IPv6)
	switch {
	case q.wantsAddress() && (q.Type == dns.TypeA && v4 || q.Type == dns.TypeAAAA && v6):
		v.Zone, v.Role = view.Zone, role
		v.answer(RoleAddresses, SourceZone, reason, view.Rules)
	case q.wantsAddress() && !v4 && !v6 && lacking(view) != "":
		unknown(reason, view, v)
		return
	default:
		ofHollow(q, reason, view, v)
	}
	v.Error = groupStaleness(view)
}

func hasRole(view *View, role zone.Roles, family zone.Family) bool {
	for range view.Zone.WithRole(role, family, 0) {
		return true
	}
	return false
}

func ofCurators(q *Question, view *View, v *Verdict) {
	const reason = "the nodes that run a curator"
	found := false
	for range view.Zone.Curators(0) {
		found = true
		break
	}
	switch {
	case q.Type == dns.TypeSRV && found:
		v.Zone = view.Zone
		v.answer(CuratorServices, SourceZone, reason, view.Rules)
	case q.Type == dns.TypeSRV && lacking(view) != "":
		unknown(reason, view, v)
		return
	default:
		ofHollow(q, reason, view, v)
	}
	v.Error = groupStaleness(view)
}

// groupStaleness returns the extended error for a group that may be out of
// date.
func groupStaleness(view *View) ExtendedError {
	if since, lost := view.Zone.ClusterLost(view.Now); lost {
		return ExtendedError{Code: dns.ExtendedErrorCodeStaleAnswer, Since: since}
	}
	return ExtendedError{}
}
