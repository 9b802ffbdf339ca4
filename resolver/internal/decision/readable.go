package decision

import (
	"bytes"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/zone"
)

// The readable names of nodes have two places in the order, since they have two
// origins. Those of files are the operator's own, and stand before all that other
// servers may have. Those of a cluster its nodes give to themselves, so that by
// itself one is only an answer where there would be no other. Below a local domain,
// which is all ours, they have one: see inLocalDomain.

// fileNames answers for the readable names of files as they stand. What is below a
// single label is the node's, as below an ID, unless a route says whose it is; what is
// around a name of several labels may well be of hosts that are not nodes.
func fileNames(q *Question, view *View, v *Verdict) bool {
	if !view.Zone.HasFileNames() || q.Name.IsRoot() {
		return false
	}
	last := q.Name.childOf(Root)
	whole := len(last) == len(q.Name)
	// For nearly all names of others this looks at one label only.
	if whole || hasNamesBelow(last, view) {
		if owner := lookupName(q.Name, view); ofFile(&owner) {
			ofOwner(q, &owner, view, v)
			return true
		}
	}
	if whole {
		return false
	}
	if owner := lookupName(last, view); ofFile(&owner) && !hasRoute(q.Name, view) {
		unknown("below the name of a node", view, v)
		return true
	}
	return false
}

// clusterNames answers for the readable names that the nodes of a cluster give to
// themselves, as they stand. They are of one label. An alias of another server's does
// not lead to one: a node could have itself found where that server means a host of
// its site.
func clusterNames(q *Question, view *View, v *Verdict) bool {
	if q.Aliased || !q.Name.single() || ofZoneCut(q.Type) {
		return false
	}
	owner := lookupName(q.Name, view)
	if !owner.Exists() {
		return false
	}
	ofOwner(q, &owner, view, v)
	return true
}

// ofZoneCut reports whether records of a type are about a zone and where it begins.
// A single label may be a top-level domain, and no node of a cluster must be able to
// stand in the way of its signatures.
func ofZoneCut(qtype uint16) bool {
	return qtype == dns.TypeNS || qtype == dns.TypeSOA || qtype == dns.TypeDS || qtype == dns.TypeDNSKEY
}

// searchList denies the names that the C library makes of a node's by the machine's
// search list: it asks for them before the bare one, and would wait for dead
// upstreams. Such are a label of node-ID shape, bare or below a local domain, and a name
// of a file, with a domain of the list behind it, for which there is neither a route nor
// a line of the hosts file.
// Whether the zone is ready does not matter: it is not a node's name even then. The
// bare names of a cluster come after the list.
func searchList(q *Question, view *View, v *Verdict) bool {
	for _, domain := range view.Search {
		if len(q.Name) <= len(domain) || !q.Name.within(domain) {
			continue
		}
		searched := q.Name[:len(q.Name)-len(domain)]
		if !isNodesOwn(searched, view) || inHosts(q.Name, view) || hasRoute(q.Name, view) {
			continue
		}
		v.negative(dns.RcodeNameError, SourceZone, "a node's name with a domain of the search list", view.Rules)
		return true
	}
	return false
}

// isNodesOwn reports whether labels, without the root's, are a node's name wherever
// it is asked for: of node-ID shape, bare or below a local domain, or of a file. Any
// other name in a local domain may also be one of a site's domain of that beginning.
func isNodesOwn(labels []byte, view *View) bool {
	first, domain := labels[1:1+labels[0]], labels[1+labels[0]:]
	if (len(domain) == 0 || view.Rules.hasDomain(domain)) && view.Zone.HasIDShape(first) {
		return true
	}
	if !view.Zone.HasFileNames() {
		return false
	}
	owner := lookupLabels(labels, view)
	return ofFile(&owner)
}

// ofName answers for a readable name below a local domain, where those of both
// origins are answered. One of a file that is written out, with that domain, comes
// before one that only becomes it there. A domain above such a name exists without
// records (RFC 8020).
func ofName(q *Question, domain *localDomain, view *View, v *Verdict) bool {
	below, writtenOut := q.Name[:len(q.Name)-len(domain.Name)], view.Zone.HasNamesBelow(domain.text)
	if writtenOut {
		if owner := lookupName(q.Name, view); ofFile(&owner) {
			ofOwner(q, &owner, view, v)
			return true
		}
	}
	if owner := lookupLabels(below, view); owner.Exists() {
		ofOwner(q, &owner, view, v)
		return true
	}
	if hasLabelsBelow(below, view) || writtenOut && hasNamesBelow(q.Name, view) {
		ofHollow(q, "names of nodes are below it", view, v)
		return true
	}
	return false
}

// ofOwner answers for a readable name that nodes claim.
func ofOwner(q *Question, owner *zone.Owner, view *View, v *Verdict) {
	if owner.Contested() {
		*v = Refuse(dns.RcodeServerFailure, SourceZone, "several nodes claim this name, and none had it before",
			ExtendedError{Rivals: owner.Rivals})
		return
	}
	ofNode(q, owner.Node, view, v)
}

func ofFile(owner *zone.Owner) bool { return owner.Exists() && owner.Origin == zone.NameFromFile }

// lookupName finds which node has a readable name.
func lookupName(name Name, view *View) zone.Owner { return lookupLabels(name[:len(name)-1], view) }

// lookupLabels is lookupName for labels without the root's.
func lookupLabels(labels []byte, view *View) zone.Owner {
	// Nearly all names of nodes are of one label, which is a text as it stands.
	if first := labels[1 : 1+labels[0]]; 1+len(first) == len(labels) {
		if bytes.IndexByte(first, '.') >= 0 {
			return zone.Owner{}
		}
		return view.Zone.LookupName(first)
	}
	return lookupSeveral(labels, view)
}

// lookupSeveral is lookupLabels for several.
func lookupSeveral(labels []byte, view *View) zone.Owner {
	if !view.Zone.HasLongNames() {
		return zone.Owner{}
	}
	var buffer [maxName]byte
	text := appendText(buffer[:0], labels)
	if text == nil {
		return zone.Owner{}
	}
	return view.Zone.LookupName(text)
}

// hasNamesBelow reports whether a readable name of several labels is below a name.
func hasNamesBelow(name Name, view *View) bool { return hasLabelsBelow(name[:len(name)-1], view) }

// hasLabelsBelow is hasNamesBelow for labels without the root's. Only files give such
// names.
func hasLabelsBelow(labels []byte, view *View) bool {
	if !view.Zone.HasLongNames() {
		return false
	}
	var buffer [maxName]byte
	text := appendText(buffer[:0], labels)
	return text != nil && view.Zone.HasNamesBelow(text)
}

// appendText appends labels, without the root's, as the zone has readable names: in
// dotted form, without a final dot. It is nil where a dot within a label would make
// them another name's.
func appendText(dst, labels []byte) []byte {
	for len(labels) > 0 {
		label := labels[1 : 1+labels[0]]
		if bytes.IndexByte(label, '.') >= 0 {
			return nil
		}
		if len(dst) > 0 {
			dst = append(dst, '.')
		}
		dst = append(dst, label...)
		labels = labels[1+len(label):]
	}
	return dst
}
