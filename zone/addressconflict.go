package zone

import (
	"fmt"
	"iter"
	"net/netip"
)

// AddressConflict is an address that several live nodes claim. Its reverse record is
// that of the first of them.
type AddressConflict struct {
	Addr netip.Addr
	// Nodes are the one that has the reverse record, since it had it before the
	// others came, and of the others the one with the smallest ID.
	Nodes [2]ID
	// Count of all of them.
	Count int
}

// String names the address and the nodes that claim it.
func (c AddressConflict) String() string {
	return c.Addr.String() + ": " + namedOf(c.Nodes, c.Count)
}

// namedOf names two of several nodes, and how many more there are.
func namedOf(nodes [2]ID, count int) string {
	text := fmt.Sprintf("%s and %s", nodes[0], nodes[1])
	if more := count - len(nodes); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// addressConflict is an AddressConflict as the zone keeps it.
type addressConflict struct {
	addr          [16]byte
	first, second key
	count         int
}

// updateConflict keeps the list of conflicts consistent with which nodes claim
// an address, and which of them has its reverse record.
func (s *Store) updateConflict(claimed netip.Addr, owner key, all *claimants) {
	addr, conflicts := reverseKey(claimed), s.draft.conflicts
	if all.live.size < 2 {
		if _, listed := conflicts.get(addr); listed {
			conflicts = conflicts.remove(s.edit, addr)
		}
	} else {
		c := addressConflict{addr: claimed.As16(), first: owner, count: all.live.size}
		for k := range all.live.all() {
			if k != owner {
				c.second = k
				break
			}
		}
		conflicts = conflicts.set(s.edit, addr, c)
	}
	s.draft.conflicts, s.draft.counts.AddressConflicts = conflicts, conflicts.size
}

// AddressConflicts yields the addresses that several live nodes claim, in an
// unspecified but stable order.
func (s *Snapshot) AddressConflicts() iter.Seq[AddressConflict] {
	return func(yield func(AddressConflict) bool) {
		for _, c := range s.conflicts.all() {
			if !yield(s.addressConflict(c)) {
				return
			}
		}
	}
}

// NewAddressConflicts yields the conflicts that are not those of an older snapshot of
// the same Store: another address, or other nodes. Its cost grows with their
// number.
func (s *Snapshot) NewAddressConflicts(old *Snapshot) iter.Seq[AddressConflict] {
	return func(yield func(AddressConflict) bool) {
		diff(old.conflicts, s.conflicts, func(d difference[addressConflict]) bool {
			was, is := d.before, d.after
			if is == nil || was != nil && was.value.first == is.value.first && was.value.second == is.value.second {
				return true
			}
			return yield(s.addressConflict(is.value))
		})
	}
}

func (s *Snapshot) addressConflict(c addressConflict) AddressConflict {
	return AddressConflict{netip.AddrFrom16(c.addr).Unmap(), [2]ID{s.idOf(c.first), s.idOf(c.second)}, c.count}
}
