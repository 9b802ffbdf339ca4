// Package changelog reports what changed in a zone: [Between] as data, and a
// [Writer] as lines of a log.
package changelog

import (
	"net/netip"
	"slices"

	"github.com/nodedns/nodedns/zone"
)

// Kind is what happened to nodes, or to the zone as a whole.
type Kind string

// What happens to nodes.
const (
	Local    Kind = "local"    // this machine has other addresses
	Joined   Kind = "joined"   // new nodes
	Moved    Kind = "moved"    // other addresses
	Renamed  Kind = "renamed"  // other readable names, this machine included
	Departed Kind = "departed" // left the cluster, still answered
	Returned Kind = "returned" // had departed, and are back
	Dropped  Kind = "dropped"  // not answered any more
)

// What happens to the zone as a whole.
const (
	Ready        Kind = "ready"         // what is not in the zone is known not to exist
	NotReady     Kind = "not-ready"     // it is not known any more
	ClusterFound Kind = "cluster-found" // a curator is connected
	ClusterLost  Kind = "cluster-lost"  // none is
)

// Change is what happened between two snapshots: the same to any number of
// nodes, or something to the zone as a whole.
type Change struct {
	Kind  Kind   `json:"change"`
	Count int    `json:"count,omitempty"` // of the nodes
	Nodes []Node `json:"nodes,omitempty"` // the first ten of them, sorted by ID
}

// Node is a node as it is now or, if it was dropped, as it was.
type Node struct {
	ID        zone.ID      `json:"id"`
	Addresses []netip.Addr `json:"addresses"`
	// Names are the readable ones that it claims, besides its ID.
	Names []string `json:"names,omitempty"`
}

// MaxNames is how many nodes a [Change] or a line of the log names, however many changed.
const MaxNames = 10

// Between lists in what a snapshot differs from an older one of the same Store,
// of nodes only those that about chooses; nil chooses all. Its cost grows with
// the number of changes, and it pauses now and then when they are many.
func Between(was, is *zone.Snapshot, about func(zone.Node) bool) (changes []Change) {
	switch before, after := was.Cluster().Connected, is.Cluster().Connected; {
	case !before && after:
		changes = append(changes, Change{Kind: ClusterFound})
	case before && !after:
		changes = append(changes, Change{Kind: ClusterLost})
	}
	nodes := [...]Change{
		{Kind: Local},
		{Kind: Joined},
		{Kind: Moved},
		{Kind: Renamed},
		{Kind: Departed},
		{Kind: Returned},
		{Kind: Dropped},
	}
	note := func(kind Kind, node zone.Node) {
		at := slices.IndexFunc(nodes[:], func(c Change) bool { return c.Kind == kind })
		if at >= 0 && (about == nil || about(node)) {
			nodes[at].add(node)
		}
	}
	for change := range zone.Paced(is.Changes(was)) {
		note(kindOf(change.Before, change.After))
		if was, is := change.Before, change.After; was.Exists() && is.Exists() && !sameNames(was, is) {
			note(Renamed, is)
		}
	}
	for _, c := range nodes {
		if c.Count > 0 {
			changes = append(changes, c)
		}
	}
	switch {
	case !was.Ready() && is.Ready():
		changes = append(changes, Change{Kind: Ready})
	case was.Ready() && !is.Ready():
		changes = append(changes, Change{Kind: NotReady})
	}
	return changes
}

// kindOf is what happened to a node, or empty where only its names, role or state
// differ.
func kindOf(was, is zone.Node) (Kind, zone.Node) {
	switch {
	case is.IsLocal() && !slices.Equal(addresses(was), addresses(is)):
		return Local, is
	case is.IsLocal():
		return "", is
	case !is.Exists():
		return Dropped, was
	case !was.Exists():
		return Joined, is
	case is.Departed() && !was.Departed():
		return Departed, is
	case was.Departed() && !is.Departed():
		return Returned, is
	case !sameAddrs(was, is):
		return Moved, is
	}
	return "", is
}

// add counts a node. Those beyond the bound are not copied.
func (c *Change) add(n zone.Node) {
	if c.Count++; c.Count <= MaxNames {
		c.Nodes = append(c.Nodes, Node{n.ID(), addresses(n), names(n)})
	}
}

// sameAddrs compares the addresses of nodes that are not this machine, without
// allocating: it is called for each of ten thousand changes.
func sameAddrs(was, is zone.Node) bool {
	for _, family := range [...]zone.Family{zone.IPv4, zone.IPv6} {
		before, had := was.Addr(family)
		now, has := is.Addr(family)
		if had != has || before != now {
			return false
		}
	}
	return true
}

// addresses are never nil: JSON has an empty list.
func addresses(n zone.Node) []netip.Addr {
	return slices.AppendSeq([]netip.Addr{}, n.Addrs())
}

// sameNames compares the readable names of two nodes, without allocating for all but
// the longest.
func sameNames(was, is zone.Node) bool {
	var before, after [512]byte
	return string(appendNames(before[:0], was)) == string(appendNames(after[:0], is))
}

func appendNames(dst []byte, n zone.Node) []byte {
	for name := range n.Names() {
		dst = append(append(dst, name.Text...), ' ')
	}
	return dst
}

// names are the readable ones, without an ID that is one.
func names(n zone.Node) (texts []string) {
	free := n.HasFreeID()
	for name := range n.Names() {
		if !free || name.Text != string(n.ID()) {
			texts = append(texts, name.Text)
		}
	}
	return texts
}
