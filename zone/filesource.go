package zone

// FileSource is Source for what an operator says in files. Its readable names are
// the operator's own: up to 8 of a node, of several labels too, and where no key is
// known of a node, one of them is its ID. It reports no cluster, so it is never
// connected, and a backlog without any node is one of an empty directory. A cluster
// that knows a node takes precedence for its addresses; the names from both count.
func (s *Store) FileSource(name string) *Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	src := s.addSource(name)
	src.files = true
	return src
}

// Retract withdraws nodes that the source has reported by mistake: they have not
// departed, but never were.
func (src *Source) Retract(ids ...string) {
	s := src.store
	s.update(func() {
		var own []key
		for _, id := range ids {
			k, _, err := src.keyOf(id)
			if err != nil {
				continue
			}
			s.refusals.lift(src, id)
			src.dropAside(k)
			switch holds, known := s.holder(k); {
			case !known || holds.source != src.rank:
			case s.draft.isLocal(k):
				s.dropNames(k, src)
			default:
				own = append(own, k)
			}
		}
		s.dropAll(own)
	})
}

// keyOf is the key of a node by its ID as the source spells it, and the canonical form
// of a free ID, which is empty for one of node-ID shape. Only the operator's files, and
// what was saved of them, may call a node by a readable name.
func (src *Source) keyOf(id string) (k key, free string, err error) {
	s := src.store
	if k, shaped := shapedKeyOf(s.draft.prefix, id); shaped {
		return k, "", nil
	}
	if !src.files && src != s.saved {
		return key{}, "", errNoIDShape
	}
	free, err = s.draft.prefix.ParseName(id)
	return s.draft.names.hasher.free(free), free, err
}

// idOf is the ID of a node that the zone has, or withholds.
func (s *Store) idOf(k key) ID {
	if reported, withheld := s.withheld[k]; withheld && reported.flags&freeID != 0 {
		return ID(reported.names.first())
	}
	return s.draft.idOf(k)
}
