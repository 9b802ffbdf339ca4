package nodedns

import (
	"slices"

	"github.com/nodedns/nodedns/zone"
)

// ChangeKind is what happened to nodes, or to the zone as a whole.
type ChangeKind string

// What happens to nodes.
const (
	ChangeLocal    ChangeKind = "local"    // this machine has other addresses
	ChangeJoined   ChangeKind = "joined"   // new nodes
	ChangeMoved    ChangeKind = "moved"    // other addresses
	ChangeDeparted ChangeKind = "departed" // left the cluster, still answered
	ChangeReturned ChangeKind = "returned" // had departed, and are back
	ChangeDropped  ChangeKind = "dropped"  // not answered any more
)

// What happens to the zone as a whole.
const (
	ChangeReady       ChangeKind = "ready"         // what is not in the zone is known not to exist
	ChangeNotReady    ChangeKind = "not-ready"     // it is not known any more
	ChangeClusterHere ChangeKind = "cluster-found" // a curator is connected
	ChangeClusterLost ChangeKind = "cluster-lost"  // none is
)

// Change is what happened between two snapshots: the same to any number of
// nodes, or something to the zone as a whole.
type Change struct {
	Kind  ChangeKind    `json:"change"`
	Count int           `json:"count,omitempty"` // of the nodes
	Nodes []ChangedNode `json:"nodes,omitempty"` // the first ten of them, sorted by ID
}

// ChangedNode is a node as it is now or, if it was dropped, as it was.
type ChangedNode struct {
	ID        zone.ID  `json:"id"`
	Addresses []string `json:"addresses"`
}

// maxNames is how many nodes a Change names, however many changed.
const maxNames = 10

// Changes tells in what a snapshot differs from an older one of the same Store,
// of nodes only those that about chooses; nil chooses all. Its cost goes with
// the number of changes, and it takes its time over many.
func Changes(was, is *zone.Snapshot, about func(zone.Node) bool) (changes []Change) {
	switch before, after := was.Cluster().Connected, is.Cluster().Connected; {
	case !before && after:
		changes = append(changes, Change{Kind: ChangeClusterHere})
	case before && !after:
		changes = append(changes, Change{Kind: ChangeClusterLost})
	}
	nodes := [...]Change{
		{Kind: ChangeLocal},
		{Kind: ChangeJoined},
		{Kind: ChangeMoved},
		{Kind: ChangeDeparted},
		{Kind: ChangeReturned},
		{Kind: ChangeDropped},
	}
	for change := range zone.Paced(is.Changes(was)) {
		kind, node := kindOf(change.Before, change.After)
		at := slices.IndexFunc(nodes[:], func(c Change) bool { return c.Kind == kind })
		if at >= 0 && (about == nil || about(node)) {
			nodes[at].add(node)
		}
	}
	for _, c := range nodes {
		if c.Count > 0 {
			changes = append(changes, c)
		}
	}
	switch {
	case !was.Ready() && is.Ready():
		changes = append(changes, Change{Kind: ChangeReady})
	case was.Ready() && !is.Ready():
		changes = append(changes, Change{Kind: ChangeNotReady})
	}
	return changes
}

// kindOf is what happened to a node, of which there is no more to tell than
// that its role or state is another if it is empty.
func kindOf(was, is zone.Node) (ChangeKind, zone.Node) {
	switch {
	case is.IsLocal() && !slices.Equal(addresses(was), addresses(is)):
		return ChangeLocal, is
	case is.IsLocal():
		return "", is
	case !is.Exists():
		return ChangeDropped, was
	case !was.Exists():
		return ChangeJoined, is
	case is.Departed() && !was.Departed():
		return ChangeDeparted, is
	case was.Departed() && !is.Departed():
		return ChangeReturned, is
	case !sameAddrs(was, is):
		return ChangeMoved, is
	}
	return "", is
}

// add counts a node. Texts that nobody reads are not made.
func (c *Change) add(n zone.Node) {
	if c.Count++; c.Count <= maxNames {
		c.Nodes = append(c.Nodes, ChangedNode{n.ID(), addresses(n)})
	}
}

// sameAddrs compares the addresses of nodes that are not this machine, without
// allocating: it is asked of each of ten thousand changes.
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

func addresses(n zone.Node) []string {
	texts := []string{}
	for addr := range n.Addrs() {
		texts = append(texts, addr.String())
	}
	return texts
}
