package zone

import (
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
	names    nameIndex
	// free is the number of nodes with a free ID, ours excluded.
	free int
	// conflicts are the addresses that several live nodes claim.
	conflicts trie[addressConflict]
	ready     bool
	// filesRead means that a source of files has reported all of its nodes.
	filesRead bool
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
	shaped bool // id has node-ID shape
	addrs  []netip.Addr
	since  time.Time
}

func (l *local) equal(other *local) bool {
	return l.id == other.id && slices.Equal(l.addrs, other.addrs)
}

// Counts of a zone.
type Counts struct {
	Live             int `json:"live"`            // nodes in the cluster, this machine included
	Departed         int `json:"departed"`        // nodes that left, still answered
	Quarantined      int `json:"quarantined"`     // entries of the sources that are refused now
	AddressConflicts int `json:"contested"`       // addresses that several live nodes claim
	NameConflicts    int `json:"contested_names"` // readable names that several live nodes claim
}

// Serial grows by one with each published change. The first snapshot has 1.
func (s *Snapshot) Serial() uint64 { return s.serial }

// Ready reports whether a name that is not in the zone is known not to exist,
// unless the zone has Overflowed.
func (s *Snapshot) Ready() bool { return s.ready }

// Complete reports whether the zone has all nodes of its sources, as far as one
// snapshot can be known to: those of the cluster or, where none is expected, those of
// the operator's files. A zone that has Overflowed never has.
func (s *Snapshot) Complete() bool {
	return !s.overflowed && (s.cluster.Complete || !s.cluster.Expected && s.filesRead)
}

// Counts of the zone's nodes.
func (s *Snapshot) Counts() Counts { return s.counts }

// Prefix is what node IDs begin with.
func (s *Snapshot) Prefix() Prefix { return s.prefix }

// Local is this machine.
func (s *Snapshot) Local() Node {
	return Node{snapshot: s, slot: s.nodes.find(s.local.key), local: true}
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

// nodeOrLocal is node for a key that may be this machine's.
func (s *Snapshot) nodeOrLocal(k key) Node {
	if s.isLocal(k) {
		return s.Local()
	}
	return s.node(k)
}

// hash is by what the index of names has a name.
func (c *content) hash(name string) uint64 { return c.names.hasher.text(name) }

// idOf is the ID of the node with a key.
func (c *content) idOf(k key) ID {
	if c.isLocal(k) {
		return c.local.id
	}
	if found := c.nodes.find(k); found != nil && found.value.flags&freeID != 0 {
		return ID(c.names.of(k, found.value.names).first())
	}
	return k.id(c.prefix)
}

// namesOf are the readable names that a node claims.
func (c *content) namesOf(k key) names {
	if found := c.nodes.find(k); found != nil {
		return c.names.of(k, found.value.names)
	}
	return ""
}

// HasIDShape reports whether a label is one that a node may have, as
// LookupLabel does.
func (s *Snapshot) HasIDShape(label []byte) bool {
	_, ok := shapedKey(s.prefix, label)
	return ok
}

// Reverse finds the node that the reverse record of an address belongs to: this
// machine before any other, a live node before a departed one, then the node
// that had it before, and where none had the one with the smallest ID, free IDs being
// in an order of their own that all machines share. Of an address that is reserved
// (see [Store.SetReserved]) only this machine's is found.
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

func (c *content) isLocal(k key) bool { return k == c.local.key }
