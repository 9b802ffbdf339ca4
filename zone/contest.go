package zone

import (
	"iter"
	"net/netip"
)

// Contest is an address that several live nodes claim. Its reverse record is
// that of the first of them.
type Contest struct {
	Addr netip.Addr
	// Nodes are the one that has the reverse record, since it had it before the
	// others came, and of the others the one with the smallest ID.
	Nodes [2]ID
	// Count of all of them.
	Count int
}

// contest is a Contest as the zone keeps it.
type contest struct {
	addr          [16]byte
	first, second key
	count         int
}

// contend keeps the list of contests true to which nodes claim an address, and
// which of them has its reverse record.
func (s *Store) contend(claimed netip.Addr, owner key, all *claimants) {
	addr, contests := reverseKey(claimed), s.draft.contests
	if all.live.size < 2 {
		if _, listed := contests.get(addr); listed {
			contests = contests.remove(s.edit, addr)
		}
	} else {
		c := contest{addr: claimed.As16(), first: owner, count: all.live.size}
		for k := range all.live.all() {
			if k != owner {
				c.second = k
				break
			}
		}
		contests = contests.set(s.edit, addr, c)
	}
	s.draft.contests, s.draft.counts.Contested = contests, contests.size
}

// Contests yields the addresses that several live nodes claim, in an order of
// its own that does not change.
func (s *Snapshot) Contests() iter.Seq[Contest] {
	return func(yield func(Contest) bool) {
		for _, c := range s.contests.all() {
			if !yield(s.contest(c)) {
				return
			}
		}
	}
}

// NewContests yields the contests that are not those of an older snapshot of
// the same Store: another address, or other nodes. Its cost goes with their
// number.
func (s *Snapshot) NewContests(old *Snapshot) iter.Seq[Contest] {
	return func(yield func(Contest) bool) {
		diff(old.contests, s.contests, func(d difference[contest]) bool {
			was, is := d.before, d.after
			if is == nil || was != nil && was.value.first == is.value.first && was.value.second == is.value.second {
				return true
			}
			return yield(s.contest(is.value))
		})
	}
}

func (s *Snapshot) contest(c contest) Contest {
	return Contest{netip.AddrFrom16(c.addr).Unmap(), [2]ID{c.first.id(s.prefix), c.second.id(s.prefix)}, c.count}
}
