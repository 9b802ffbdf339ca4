package zone

import "net/netip"

// claimants are the nodes that claim one address, where there are several.
type claimants struct {
	live, departed trie[struct{}]
}

func (c *claimants) set(r record) *trie[struct{}] {
	if r.flags&departed != 0 {
		return &c.departed
	}
	return &c.live
}

// owner is the node that the reverse record of the address belongs to: a live
// one before those that departed, then the incumbent, and where there is none
// the one with the smallest ID, as [hasher.free] has those that are names.
func (c *claimants) owner(incumbent key, had bool) (owner key) {
	of := &c.live
	if of.size == 0 {
		of = &c.departed
	}
	if had && of.find(incumbent) != nil {
		return incumbent
	}
	owner, _ = of.first()
	return owner
}

// incumbent is the node that had the reverse record of an address before the
// present batch: as the newest snapshot has it or, while the saved nodes are
// loaded, as it was when they were saved.
func (s *Store) incumbent(addr key) (key, bool) {
	if k, ok := s.restored[addr]; ok {
		return k, true
	}
	return s.Snapshot().reverse.get(addr)
}

// restoreOwner makes a node the incumbent of those of its addresses that it had
// the reverse records of when it was saved.
func (s *Store) restoreOwner(k key, reported record, owned []netip.Addr) {
	for _, addr := range owned {
		if reported.has(addr) {
			s.restored[reverseKey(addr)] = k
		}
	}
}

// moveClaims makes the reverse records follow a node from one record to the
// next. The zone's nodes have the new one already.
func (s *Store) moveClaims(k key, was, is record) {
	stays := (was.flags^is.flags)&departed == 0
	for addr := range was.addrs {
		if !stays || !is.has(addr) {
			s.unclaim(addr, k, was)
		}
	}
	for addr := range is.addrs {
		if !stays || !was.has(addr) {
			s.claim(addr, k, is)
		}
	}
}

// claim adds a node to those that claim an address. Only an address with a
// second claimant costs more than its reverse record.
func (s *Store) claim(claimed netip.Addr, k key, r record) {
	addr := reverseKey(claimed)
	holder, held := s.draft.reverse.get(addr)
	if !held {
		s.draft.reverse = s.draft.reverse.set(s.edit, addr, k)
		return
	}
	all, shared := s.claims[addr]
	if !shared {
		all = &claimants{}
		s.claims[addr] = all
		there, _ := s.draft.nodes.get(holder)
		set := all.set(there)
		*set = set.set(s.edit, holder, struct{}{})
	}
	set := all.set(r)
	*set = set.set(s.edit, k, struct{}{})
	s.setOwner(claimed, holder, all)
}

// unclaim undoes claim.
func (s *Store) unclaim(claimed netip.Addr, k key, r record) {
	addr := reverseKey(claimed)
	all, shared := s.claims[addr]
	if !shared {
		s.draft.reverse = s.draft.reverse.remove(s.edit, addr)
		return
	}
	set := all.set(r)
	*set = set.remove(s.edit, k)
	holder, _ := s.draft.reverse.get(addr)
	s.setOwner(claimed, holder, all)
	if all.live.size+all.departed.size == 1 {
		delete(s.claims, addr)
		s.draft.shared = s.draft.shared.remove(s.edit, addr)
	}
}

// setOwner gives the reverse record of an address with several claimants to the
// one that it belongs to, and lists the address as shared.
func (s *Store) setOwner(claimed netip.Addr, holder key, all *claimants) {
	addr := reverseKey(claimed)
	owner := all.owner(s.incumbent(addr))
	if holder != owner {
		s.draft.reverse = s.draft.reverse.set(s.edit, addr, owner)
	}
	if was, listed := s.draft.shared.get(addr); !listed || was != owner {
		s.draft.shared = s.draft.shared.set(s.edit, addr, owner)
	}
	s.updateConflict(claimed, owner, all)
}

// claiming lists the nodes that claim an address.
func (s *Store) claiming(addr key) (keys []key) {
	if all, shared := s.claims[addr]; shared {
		for k := range all.live.all() {
			keys = append(keys, k)
		}
		for k := range all.departed.all() {
			keys = append(keys, k)
		}
	} else if k, held := s.draft.reverse.get(addr); held {
		keys = append(keys, k)
	}
	return keys
}
