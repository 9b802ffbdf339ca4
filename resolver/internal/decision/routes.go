package decision

import (
	"github.com/miekg/dns"
)

// Route is where the names of a configured route go.
type Route struct {
	Number int  // of the route, from 1
	Empty  bool // it has no servers: such names do not exist
	// Searched: it is no configured one, but that of a domain of the search list,
	// to the servers that come with the list.
	Searched bool
}

// routed sends the names in a route's domains to its servers. The root's route
// comes later: it does not apply to special-use names.
func routed(q *Question, view *View, v *Verdict) bool {
	route, labels, ok := view.Routes.Lookup(q.Name)
	if ok && !route.Empty && labels == q.Name.labels() && ofParent(q, view) {
		route, labels, ok = view.Routes.Lookup(q.Name.parent())
	}
	if !ok || labels == 0 {
		return false
	}
	follow(route, q, view, v)
	v.Site = true
	return true
}

// follow leaves the question to a route's servers, if it has any.
func follow(route Route, q *Question, view *View, v *Verdict) {
	if !route.Empty {
		v.Route, v.Searched = route.Number, route.Searched
		v.forward()
		return
	}
	rcode := dns.RcodeNameError
	if inHosts(q.Name, view) {
		rcode = dns.RcodeSuccess
	}
	v.negative(rcode, SourceUpstream, "a route without servers has the name", view.Rules)
}

// ofParent reports whether a question about the apex of a zone is one for the
// servers of the zone above it, and there are any. The DS record of a zone is its
// parent's: there a client that validates finds that the zone is not signed
// (RFC 4035, section 3.1.4.1). A special-use domain that is in no zone has no
// parent.
func ofParent(q *Question, view *View) bool {
	if q.Type != dns.TypeDS || q.Name.IsRoot() {
		return false
	}
	if _, u := findUse(q.Name); u == absent || u == hollow {
		return false
	}
	route, _, ok := view.Routes.Lookup(Root)
	return view.Reach != ReachNone || ok && !route.Empty
}

// hasRoute reports whether a configured route other than the root's has a name.
func hasRoute(name Name, view *View) bool {
	route, labels, ok := view.Routes.Lookup(name)
	return ok && labels > 0 && !route.Searched
}
