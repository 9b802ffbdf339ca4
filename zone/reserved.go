package zone

import (
	"net/netip"
	"slices"
)

// SetReserved replaces what one part, known by its name, needs kept free of
// reverse records from the cluster: the addresses of this machine's gateways,
// or of the servers that it queries. A node may have such an address and is
// answered by its name, but [Snapshot.Reverse] does not find it by the address:
// what every machine relies on must not be renamed by a node that claims it. An
// address is free again when no part has it reserved. Those that no node can
// have are left out. It is called with all of them whenever they may have
// changed.
func (s *Store) SetReserved(part string, addrs []netip.Addr) {
	addrs = usable(addrs)
	s.update(func() {
		was := s.reserved[part]
		if s.reserved[part] = addrs; len(addrs) == 0 {
			delete(s.reserved, part)
		}
		for _, addr := range was {
			if !s.isReserved(addr) {
				s.draft.reserved = s.draft.reserved.remove(s.edit, reverseKey(addr))
			}
		}
		for _, addr := range addrs {
			if k := reverseKey(addr); s.draft.reserved.find(k) == nil {
				s.draft.reserved = s.draft.reserved.set(s.edit, k, struct{}{})
			}
		}
	})
}

// isReserved reports whether any part has an address reserved.
func (s *Store) isReserved(addr netip.Addr) bool {
	for _, addrs := range s.reserved {
		if slices.Contains(addrs, addr) {
			return true
		}
	}
	return false
}
