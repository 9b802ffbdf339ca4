package zone

import (
	"iter"
	"net/netip"
	"time"
)

// Node is one node as a snapshot has it. It never changes, and is small enough
// to be passed in registers: what is known of the node is not copied. Two Nodes
// of one name differ by == between snapshots, whatever is known. The zero Node
// stands for none.
type Node struct {
	snapshot *Snapshot
	slot     *slot[record] // what the cluster reports; nil: nothing
	local    bool
}

// nothing is what is known of a node of which no source has reported anything.
var nothing record

// reported is what the cluster reports of the node. It must not be changed.
func (n Node) reported() *record {
	if n.slot == nil {
		return &nothing
	}
	return &n.slot.value
}

// ID is the node's name. It allocates; a writer of many uses AppendID.
func (n Node) ID() ID {
	if n.local {
		return n.snapshot.local.id
	}
	if n.snapshot == nil {
		return ""
	}
	return n.snapshot.idOf(n.slot.key)
}

// AppendID appends the node's name to dst.
func (n Node) AppendID(dst []byte) []byte {
	if n.local {
		return append(dst, n.snapshot.local.id...)
	}
	if n.slot.value.flags&freeID != 0 {
		return append(dst, n.snapshot.names.of(n.slot.key, n.slot.value.names).first()...)
	}
	return n.slot.key.appendID(dst, n.snapshot.prefix)
}

// Addrs yields the node's addresses, IPv4 first and the local node's otherwise
// in the order of its source. There may be none. It allocates nothing.
func (n Node) Addrs() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		if !n.local {
			n.reported().addrs(yield)
			return
		}
		for _, addr := range n.snapshot.local.addrs {
			if !yield(addr) {
				return
			}
		}
	}
}

// HasAddr reports whether any address of the node is known.
func (n Node) HasAddr() bool {
	for range n.Addrs() {
		return true
	}
	return false
}

// HasFamily reports whether an address of a family is known of the node.
func (n Node) HasFamily(family Family) bool {
	if !n.local {
		return n.reported().flags&flags(family) != 0
	}
	for _, addr := range n.snapshot.local.addrs {
		if addr.Is4() == (family == IPv4) {
			return true
		}
	}
	return false
}

// Addr is the node's address of a family, if it has one and cannot have several:
// only this machine can.
func (n Node) Addr(family Family) (addr netip.Addr, ok bool) {
	r := n.reported()
	switch {
	case n.local || r.flags&flags(family) == 0:
		return netip.Addr{}, false
	case family == IPv4:
		return netip.AddrFrom4(r.v4), true
	default:
		return netip.AddrFrom16(r.v6), true
	}
}

// Owned lists those of the node's addresses whose reverse record is its own
// although other nodes have them too, departed ones included. It allocates where
// there are any.
func (n Node) Owned() (owned []netip.Addr) {
	if n.local || n.snapshot == nil || n.snapshot.shared.size == 0 {
		return nil
	}
	for addr := range n.Addrs() {
		if owner := n.snapshot.shared.find(reverseKey(addr)); owner != nil && owner.value == n.slot.key {
			owned = append(owned, addr)
		}
	}
	return owned
}

// Exists reports whether there is a node at all.
func (n Node) Exists() bool { return n.snapshot != nil }

// IsLocal reports whether the node is this machine.
func (n Node) IsLocal() bool { return n.local }

// Departed reports whether the node has left the cluster and is answered for
// the time of the retention only.
func (n Node) Departed() bool { return !n.local && n.reported().flags&departed != 0 }

// Since is when the node's present addresses were learnt or, of a departed
// node, when it departed. It has a resolution of one second.
func (n Node) Since() time.Time {
	if n.local {
		return n.snapshot.local.since
	}
	return time.Unix(int64(n.reported().since), 0).UTC()
}

// Roles of the node in its cluster; the local node's come from there too.
func (n Node) Roles() Roles { return n.reported().roles }

// State of the node in its cluster.
func (n Node) State() State { return n.reported().state }

// CuratorPort is the TCP port of the node's curator, or 0 without one.
func (n Node) CuratorPort() uint16 { return n.reported().port }

// FromFile reports whether the node is known by a file, of this run or of an earlier
// one, and not by a cluster.
func (n Node) FromFile() bool { return n.reported().flags&fromFile != 0 }

// Source names the source that the node's addresses come from.
func (n Node) Source() string {
	switch {
	case n.local:
		return LocalSource
	case n.snapshot == nil:
		return ""
	}
	return (*n.snapshot.sources)[n.reported().source]
}

// equal compares what can be seen of two nodes of one name.
func (n Node) equal(other Node) bool {
	if n.local != other.local || n.Exists() != other.Exists() {
		return false
	}
	if n.local {
		return n.snapshot.local.equal(other.snapshot.local) && n.reported().sameRole(other.reported()) && n.names() == other.names()
	}
	return *n.reported() == *other.reported() && n.names() == other.names()
}

func (r *record) sameRole(other *record) bool {
	return r.roles == other.roles && r.state == other.state && r.port == other.port
}
