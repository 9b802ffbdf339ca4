package zone

import "strings"

// nameRanks is the number of ranks that a claim to a name can have: of a live node
// before one that departed, then from a file before from the cluster.
const nameRanks = 4

func nameRank(r record, origin Origin) int {
	rank := int(origin)
	if r.flags&departed != 0 {
		rank += nameRanks / 2
	}
	return rank
}

// nameClaimants are the nodes that claim one name, by the rank of their claims,
// where there are several.
type nameClaimants struct {
	ranks [nameRanks]trie[struct{}]
}

// best are the claimants of the first rank that has any, and that rank.
func (c *nameClaimants) best() (*trie[struct{}], int) {
	for rank := range c.ranks {
		if c.ranks[rank].size > 0 {
			return &c.ranks[rank], rank
		}
	}
	return &c.ranks[0], 0
}

func (c *nameClaimants) count() (live, all int) {
	for rank := range c.ranks {
		if all += c.ranks[rank].size; rank < nameRanks/2 {
			live += c.ranks[rank].size
		}
	}
	return live, all
}

// owner is the node that the name belongs to: of the best rank the incumbent, or
// the only one. Where there are several and none had the name before, it belongs to
// none of them, or each machine would decide by what it happened to hear first.
func (c *nameClaimants) owner(incumbent key, had bool) (owner key, owned bool) {
	best, _ := c.best()
	if had && best.find(incumbent) != nil {
		return incumbent, true
	}
	owner, _ = best.first()
	return owner, best.size == 1
}

// other is the first claimant besides one, in the order of the ranks.
func (c *nameClaimants) other(than key) (other key) {
	for rank := range c.ranks {
		for k := range c.ranks[rank].all() {
			if k != than {
				return k
			}
		}
	}
	return key{}
}

// nameIncumbent is the node that had a name before: when the saved nodes were saved,
// before the backlog that is being reported began, or in the newest snapshot.
func (s *Store) nameIncumbent(sum uint64) (key, bool) {
	if k, ok := s.restoredNames[sum]; ok {
		return k, true
	}
	if s.namesBefore != nil {
		return s.namesBefore.owner(sum)
	}
	return s.Snapshot().names.owner(sum)
}

// restoreNames makes a node the incumbent of those of its names that it had when it
// was saved although others claimed them.
func (s *Store) restoreNames(k key, owned []string) {
	for _, name := range owned {
		s.restoredNames[s.draft.hash(lower(name))] = k
	}
}

// moveNames makes the index follow a node from one record to the next. The zone's
// nodes have the new one already.
func (s *Store) moveNames(k key, was record, had names, is record, has names) {
	stays := (was.flags^is.flags)&departed == 0
	if stays && had == has {
		return
	}
	for name, origin := range had.each {
		if now, kept := has.origin([]byte(name)); !kept || now != origin || !stays {
			s.unclaimName(k, name, nameRank(was, origin), origin)
		}
	}
	shared := makeNameSlot(k, has)
	for name, origin := range has.each {
		sum := s.draft.hash(name)
		alone := s.draft.names.set(s.edit, sum, k, shared)
		if before, kept := had.origin([]byte(name)); kept && before == origin && stays {
			continue
		}
		s.countName(name, origin, 1)
		if !alone {
			s.claimName(k, sum, nameRank(is, origin))
		}
	}
}

// claimName adds a node to those that claim a name, by its hash, where others may. Its
// slot is there already.
func (s *Store) claimName(k key, sum uint64, rank int) {
	all, several := s.nameClaims[sum]
	if !several {
		other, origin, found := s.otherClaimant(k, sum)
		if !found {
			return
		}
		all = &nameClaimants{}
		s.nameClaims[sum] = all
		there, _ := s.draft.nodes.get(other)
		set := &all.ranks[nameRank(there, origin)]
		*set = set.set(s.edit, other, struct{}{})
	}
	set := &all.ranks[rank]
	*set = set.set(s.edit, k, struct{}{})
	s.setNameOwner(sum, all)
}

// otherClaimant is the node that claims a name besides k, where only two do.
func (s *Store) otherClaimant(k key, sum uint64) (other key, origin Origin, found bool) {
	for slot := range s.draft.names.slots.from(key{hi: sum}) {
		if slot.key.hi != sum {
			break
		}
		if other = slot.value.node(slot.key, s.draft.names.hasher); other == k {
			continue
		}
		for name, origin := range slot.value.names().each {
			if s.draft.hash(name) == sum {
				return other, origin, true
			}
		}
	}
	return key{}, 0, false
}

// unclaimName undoes claimName, uncounts the name and removes the slot.
func (s *Store) unclaimName(k key, name string, rank int, origin Origin) {
	x, sum := &s.draft.names, s.draft.hash(name)
	s.countName(name, origin, -1)
	x.slots = x.slots.remove(s.edit, x.find(sum, k).key)
	all, several := s.nameClaims[sum]
	if !several {
		return
	}
	set := &all.ranks[rank]
	*set = set.remove(s.edit, k)
	if _, left := all.count(); left > 1 {
		s.setNameOwner(sum, all)
		return
	}
	delete(s.nameClaims, sum)
	s.setConflict(sum, nameConflict{}, false)
}

// countName keeps what the index has about names in general: how many come from
// files, and which names have others below them.
func (s *Store) countName(name string, origin Origin, by int) {
	x := &s.draft.names
	if origin == NameFromFile {
		x.fromFiles += by
	}
	for _, above, below := strings.Cut(name, "."); below; _, above, below = strings.Cut(above, ".") {
		at := key{hi: s.draft.hash(above)}
		n, _ := x.above.get(at)
		if n = uint32(int(n) + by); n == 0 {
			x.above = x.above.remove(s.edit, at)
		} else {
			x.above = x.above.set(s.edit, at, n)
		}
	}
}

// setNameOwner gives a name with several claimants to the one that it belongs to.
func (s *Store) setNameOwner(sum uint64, all *nameClaimants) {
	_, rank := all.best()
	c := nameConflict{origin: Origin(rank % (nameRanks / 2))}
	c.first, c.owned = all.owner(s.nameIncumbent(sum))
	c.second = all.other(c.first)
	c.live, _ = all.count()
	s.setConflict(sum, c, true)
}

// setConflict lists the claims to a name, or takes them off the list, and keeps the
// count of those between live nodes.
func (s *Store) setConflict(sum uint64, is nameConflict, listed bool) {
	x, at := &s.draft.names, key{hi: sum}
	was, before := x.contested.get(at)
	if before && was.live > 1 {
		s.draft.counts.NameConflicts--
	}
	if !listed {
		x.contested = x.contested.remove(s.edit, at)
		return
	}
	if is.live > 1 {
		s.draft.counts.NameConflicts++
	}
	if !before || was != is {
		x.contested = x.contested.set(s.edit, at, is)
	}
}
