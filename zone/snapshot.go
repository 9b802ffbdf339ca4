package zone

import (
	"iter"
	"net/netip"
	"slices"
	"time"
)

// Snapshot is the zone at one moment. It never changes, so it may be read from
// any goroutine and kept for any time.
type Snapshot struct {
	serial uint64
	content
}

// content is all of a snapshot that readers can see. It is comparable: two
// contents that are equal are one state of the zone, not worth publishing
// twice.
type content struct {
	prefix  Prefix
	local   *local
	nodes   trie[record] // what the cluster's sources report, our own ID included
	reverse trie[key]    // the node that an address belongs to, ours excluded
	// shared is the part of reverse whose addresses several nodes have, departed
	// ones included.
	shared trie[key]
	// reserved are the addresses that have no reverse record from the cluster.
	reserved trie[struct{}]
	groups   groups
	// conflicts are the addresses that several live nodes claim.
	conflicts trie[addressConflict]
	ready     bool
	// overflowed means that nodes are missing because the zone is full.
	overflowed bool
	counts     Counts
	cluster    Cluster
	sources    *[]string
	// refused are the first of the entries that are refused now, or nil.
	refused *[]Refusal
	// duplicate is set when another machine has our key, or nil.
	duplicate *DuplicateKey
}

// local is the node that this machine is.
type local struct {
	id     ID
	key    key
	shaped bool // id has node-ID shape, and key counts
	addrs  []netip.Addr
	since  time.Time
}

func (l *local) equal(other *local) bool {
	return l.id == other.id && slices.Equal(l.addrs, other.addrs)
}

// Counts of a zone.
type Counts struct {
	Live             int `json:"live"`        // nodes in the cluster, this machine included
	Departed         int `json:"departed"`    // nodes that left, still answered
	Quarantined      int `json:"quarantined"` // entries of the sources that are refused now
	AddressConflicts int `json:"contested"`   // addresses that several live nodes claim
}

// Serial grows by one with each published change. The first snapshot has 1.
func (s *Snapshot) Serial() uint64 { return s.serial }

// Ready reports whether a name that is not in the zone is known not to exist,
// unless the zone has Overflowed.
func (s *Snapshot) Ready() bool { return s.ready }

// Counts of the zone's nodes.
func (s *Snapshot) Counts() Counts { return s.counts }

// Prefix is what node IDs begin with.
func (s *Snapshot) Prefix() Prefix { return s.prefix }

// Local is this machine.
func (s *Snapshot) Local() Node {
	n := Node{snapshot: s, local: true}
	if s.local.shaped {
		n.slot = s.nodes.find(s.local.key)
	}
	return n
}

// Lookup finds a node by its name, in any letter case. It allocates nothing.
func (s *Snapshot) Lookup(name string) (Node, bool) {
	var buffer [maxLabel]byte
	if len(name) > len(buffer) {
		return Node{}, false
	}
	node, _ := s.LookupLabel(buffer[:copy(buffer[:], name)])
	return node, node.Exists()
}

// LookupLabel is Lookup for a name that is still in a message's buffer. There is
// no such node if the one returned does not exist. Shaped reports whether the
// label is one that a node may have: the prefix and 32 hex digits.
func (s *Snapshot) LookupLabel(label []byte) (node Node, shaped bool) {
	k, shaped := shapedKey(s.prefix, label)
	switch {
	case shaped && s.isLocal(k), !shaped && equalFold(string(s.local.id), label):
		node = s.Local()
	case shaped:
		node = s.node(k)
	}
	return node, shaped
}

// node is the cluster's node with a key; it may not exist.
func (s *Snapshot) node(k key) (node Node) {
	if found := s.nodes.find(k); found != nil {
		node = Node{snapshot: s, slot: found}
	}
	return node
}

// HasIDShape reports whether a label is one that a node may have, as
// LookupLabel does.
func (s *Snapshot) HasIDShape(label []byte) bool {
	_, ok := shapedKey(s.prefix, label)
	return ok
}

// Reverse finds the node that the reverse record of an address belongs to: this
// machine before any other, a live node before a departed one, then the node
// that had it before, and where none had the one with the smallest ID. Of an
// address that is reserved (see [Store.SetReserved]) only this machine's is
// found.
func (s *Snapshot) Reverse(addr netip.Addr) (Node, bool) {
	if slices.Contains(s.local.addrs, addr) {
		return s.Local(), true
	}
	k := reverseKey(addr)
	owner := s.reverse.find(k)
	if owner == nil || s.reserved.size > 0 && s.reserved.find(k) != nil {
		return Node{}, false
	}
	node := s.node(owner.value)
	return node, node.Exists()
}

// HasAddr reports whether any node has an address, departed ones and this machine
// included.
func (s *Snapshot) HasAddr(addr netip.Addr) bool {
	return slices.Contains(s.local.addrs, addr) || s.reverse.find(reverseKey(addr)) != nil
}

// All yields every node, this machine and departed ones included, sorted by
// ID.
func (s *Snapshot) All() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		pending := true // this machine has yet to find its place
		for found := range s.nodes.slots {
			if pending && s.localBefore(found.key) {
				pending = false
				if !yield(s.Local()) {
					return
				}
			}
			if s.isLocal(found.key) {
				continue
			}
			if !yield(Node{snapshot: s, slot: found}) {
				return
			}
		}
		if pending {
			yield(s.Local())
		}
	}
}

func (c *content) isLocal(k key) bool { return c.local.shaped && k == c.local.key }

// localBefore reports whether this machine's ID sorts no later than that of k.
func (s *Snapshot) localBefore(k key) bool {
	if s.local.shaped {
		return compareKeys(s.local.key, k) <= 0
	}
	var buffer [maxLabel]byte
	return string(s.local.id) <= string(k.appendID(buffer[:0], s.prefix))
}

// Change is one node that differs between two snapshots. Before does not exist
// for a node that is new, nor After for one that is gone.
type Change struct{ Before, After Node }

// Changes yields the nodes that differ from an older snapshot of the same
// Store, this machine first and the others sorted by ID. Its cost grows with
// the number of changes, not with the size of the zone.
func (s *Snapshot) Changes(old *Snapshot) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		if was, is := old.Local(), s.Local(); !was.equal(is) && !yield(Change{was, is}) {
			return
		}
		diff(old.nodes, s.nodes, func(d difference[record]) bool {
			if s.isLocal(d.key()) {
				return true
			}
			var c Change
			if d.before != nil {
				c.Before = Node{snapshot: old, slot: d.before}
			}
			if d.after != nil {
				c.After = Node{snapshot: s, slot: d.after}
			}
			return yield(c)
		})
	}
}
