package decision

import (
	"github.com/miekg/dns"
)

// Decide returns the verdict on a question.
func Decide(q *Question, view *View) (v Verdict) {
	DecideInto(&v, q, view)
	return v
}

// DecideInto is Decide without copying so large a value. The verdict
// must be zero. The order of the steps is the precedence of the sources of
// names.
func DecideInto(v *Verdict, q *Question, view *View) {
	switch {
	case localhost(q, view, v):
		v.Step = StepLocalhost
	case nodes(q, view, v):
		v.Step = StepNodes
	case nodeAddresses(q, view, v):
		v.Step = StepNodeAddresses
	case hostLines(q, view, v):
		v.Step = StepHostLines
	case fileNames(q, view, v):
		v.Step = StepFileNames
	case searchList(q, view, v):
		v.Step = StepSearchList
	case routed(q, view, v):
		v.Step = StepRoutes
	case specialUse(q, view, v):
		v.Step = StepSpecialUse
	case clusterNames(q, view, v):
		v.Step = StepClusterNames
	case singleLabel(q, view, v):
		v.Step = StepSingleLabel
	default:
		upstreams(q, view, v)
		v.Step = StepUpstreams
	}
	if v.Kind == Forward {
		cached(q, view, v)
	}
}

// cached looks for what upstreams answered before. A stale reply that is due
// for a recheck is left in the verdict, for when they do not answer now.
func cached(q *Question, view *View, v *Verdict) {
	if view.Cache == nil || q.Alone {
		return
	}
	hit, ok := view.Cache.Get(q.Key(), view.Now)
	if !ok {
		return
	}
	v.Hit = hit
	if !hit.Stale || !hit.Recheck {
		v.Recall()
	}
}

// upstreams leaves the question to other servers, if there are any.
func upstreams(q *Question, view *View, v *Verdict) {
	// Of the routes only the root's is left for such a name.
	if route, _, ok := view.Routes.Lookup(Root); ok {
		follow(route, q, view, v)
		return
	}
	if view.Reach == ReachNone {
		*v = Refuse(dns.RcodeRefused, SourceUpstream, "no upstream is configured",
			ExtendedError{Code: dns.ExtendedErrorCodeNotAuthoritative, Text: "not a name of ours, and no upstream to ask"})
		return
	}
	v.forward()
}

// singleLabel keeps bare host names, which no public server knows, from the
// upstreams, as ICANN's SAC053 recommends: such a query only leaks names. It
// does not concern the root, which has no label.
func singleLabel(q *Question, view *View, v *Verdict) bool {
	if !q.Name.single() || !q.wantsAddress() || view.Rules.singleLabel {
		return false
	}
	v.negative(dns.RcodeSuccess, SourceSpecial, "a single label is not asked for upstream", view.Rules)
	return true
}
