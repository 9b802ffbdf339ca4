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

// winner is who the address belongs to: the smallest live ID, else the
// smallest departed one.
func (c *claimants) winner() key {
	if k, ok := c.live.first(); ok {
		return k
	}
	k, _ := c.departed.first()
	return k
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
	all, contested := s.claims[addr]
	if !contested {
		all = &claimants{}
		s.claims[addr] = all
		there, _ := s.draft.nodes.get(holder)
		set := all.set(there)
		*set = set.set(s.edit, holder, struct{}{})
	}
	set := all.set(r)
	*set = set.set(s.edit, k, struct{}{})
	s.contend(claimed, all)
	s.award(addr, holder, all.winner())
}

// unclaim undoes claim.
func (s *Store) unclaim(claimed netip.Addr, k key, r record) {
	addr := reverseKey(claimed)
	all, contested := s.claims[addr]
	if !contested {
		s.draft.reverse = s.draft.reverse.remove(s.edit, addr)
		return
	}
	set := all.set(r)
	*set = set.remove(s.edit, k)
	s.contend(claimed, all)
	if all.live.size+all.departed.size == 1 {
		delete(s.claims, addr)
	}
	holder, _ := s.draft.reverse.get(addr)
	s.award(addr, holder, all.winner())
}

func (s *Store) award(addr, holder, winner key) {
	if holder != winner {
		s.draft.reverse = s.draft.reverse.set(s.edit, addr, winner)
	}
}

// claiming lists the nodes that claim an address.
func (s *Store) claiming(addr key) (keys []key) {
	if all, contested := s.claims[addr]; contested {
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
