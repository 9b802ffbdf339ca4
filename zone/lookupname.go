package zone

import "iter"

// Owner is who has a readable name. The zero Owner stands for a name that no node
// claims.
type Owner struct {
	// Node that has the name. It does not exist where the name is contested.
	Node Node
	// Origin of the node's name, or of the rivals' claims.
	Origin Origin
	// Rivals are nodes that claim a contested name.
	Rivals Rivals
}

// Rivals are nodes that claim a name which none of them has. The zero value stands
// for none. Like a Node it is small enough to be passed in registers.
type Rivals struct {
	snapshot *Snapshot
	conflict *nameConflict
}

// Exist reports whether there are any.
func (r Rivals) Exist() bool { return r.conflict != nil }

// Nodes are two of them, sorted by ID: all machines name them in one order, though
// that of the keys of free IDs differs. They are zero where there are none.
func (r Rivals) Nodes() (two [2]Node) {
	if !r.Exist() {
		return two
	}
	var first, second [maxName]byte
	a, b := r.snapshot.nodeOrLocal(r.conflict.first), r.snapshot.nodeOrLocal(r.conflict.second)
	if string(b.AppendID(second[:0])) < string(a.AppendID(first[:0])) {
		return [2]Node{b, a}
	}
	return [2]Node{a, b}
}

// Exists reports whether any node claims the name.
func (o *Owner) Exists() bool { return o.Node.Exists() || o.Contested() }

// Contested reports whether several nodes claim the name and none had it before, so
// that none has it.
func (o *Owner) Contested() bool { return o.Rivals.Exist() }

// LookupName finds the node that has a readable name, which is in lower case and
// without the final dot. It takes no lock and allocates nothing.
func (s *Snapshot) LookupName(name []byte) (o Owner) {
	if s.names.slots.size == 0 || len(name) > maxName {
		return Owner{}
	}
	sum := s.names.hasher.name(name)
	if s.names.contested.size > 0 {
		if c := s.names.contested.find(key{hi: sum}); c != nil {
			return s.contender(name, &c.value)
		}
	}
	found := s.names.slots.beginning(sum)
	if found == nil {
		return Owner{}
	}
	// The node and the text are far. The node is sought first, by the half of its key
	// that is at hand: a processor waits for both at the same time.
	node := s.nodes.beginning(found.key.lo)
	origin, claimed := found.value.names().origin(name)
	if !claimed {
		return Owner{}
	}
	k := found.value.node(found.key, s.names.hasher)
	if node == nil || node.key != k || s.isLocal(k) {
		return Owner{Node: s.nodeOrLocal(k), Origin: origin}
	}
	return Owner{Node: Node{snapshot: s, slot: node}, Origin: origin}
}

// contender is LookupName for a name that several nodes claim.
func (s *Snapshot) contender(name []byte, c *nameConflict) (o Owner) {
	if _, claimed := s.namesOf(c.first).origin(name); !claimed {
		return Owner{}
	}
	o.Origin = c.origin
	if c.owned {
		o.Node = s.nodeOrLocal(c.first)
	} else {
		o.Rivals = Rivals{s, c}
	}
	return o
}

// HasNamesBelow reports whether a readable name of several labels ends in a dot and
// this one: an empty non-terminal, which exists without a record (RFC 8020).
func (s *Snapshot) HasNamesBelow(name []byte) bool {
	return s.HasLongNames() && s.names.above.find(key{hi: s.names.hasher.name(name)}) != nil
}

// HasLongNames reports whether any readable name has several labels, as only those of
// files have.
func (s *Snapshot) HasLongNames() bool { return s.names.above.size > 0 }

// HasFileNames reports whether any readable name comes from a file.
func (s *Snapshot) HasFileNames() bool { return s.names.fromFiles > 0 }

// NodeName is a readable name that a node claims.
type NodeName struct {
	Text   string
	Origin Origin
	// Owned is false for a name that another node has, or none.
	Owned bool
}

// Names yields the readable names that the node claims: those from files before one
// from the cluster, the preferred ones first. It allocates nothing.
func (n Node) Names() iter.Seq[NodeName] {
	return func(yield func(NodeName) bool) {
		for name, origin := range n.names().each {
			if !yield(NodeName{name, origin, n.snapshot.owns(n.slot.key, name)}) {
				return
			}
		}
	}
}

// hasNames reports whether the node claims any readable name.
func (n Node) hasNames() bool { return n.slot != nil && n.slot.value.names != 0 }

// names are all that the node claims.
func (n Node) names() names {
	if !n.hasNames() {
		return ""
	}
	return n.snapshot.names.of(n.slot.key, n.slot.value.names)
}

// owns reports whether a node that claims a name has it.
func (s *Snapshot) owns(k key, name string) bool {
	if s.names.contested.size == 0 {
		return true
	}
	c := s.names.contested.find(key{hi: s.hash(name)})
	return c == nil || c.value.owned && c.value.first == k
}

// Name is the first readable name that the node has.
func (n Node) Name() (name NodeName, ok bool) {
	if !n.hasNames() {
		return NodeName{}, false
	}
	for name := range n.Names() {
		if name.Owned {
			return name, true
		}
	}
	return NodeName{}, false
}

// HasFreeID reports whether the ID is a readable name, as that of a node without a
// key is.
func (n Node) HasFreeID() bool {
	if n.local {
		return !n.snapshot.local.shaped
	}
	return n.reported().flags&freeID != 0
}

// OwnedNames lists those of the node's names that it has although other nodes claim
// them too.
func (n Node) OwnedNames() (owned []string) {
	if n.snapshot == nil || n.snapshot.names.contested.size == 0 {
		return nil
	}
	for name := range n.Names() {
		if c := n.snapshot.names.contested.find(key{hi: n.snapshot.hash(name.Text)}); c != nil && name.Owned {
			owned = append(owned, name.Text)
		}
	}
	return owned
}
