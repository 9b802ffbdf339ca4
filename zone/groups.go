package zone

import "iter"

// groups are the live nodes, ours excluded, by what callers look up: a role and
// an address of a family, or a curator. A caller that wants some of many
// thousands finds them without scanning all the others.
type groups struct {
	v4, v6   [len(roleNames)]trie[struct{}]
	curators trie[struct{}]
}

// each calls visit with each group and whether a record is in it.
func (g *groups) each(r record, known bool, visit func(group *trie[struct{}], in bool)) {
	live := known && r.flags&departed == 0
	for i, known := range roleNames {
		has := live && r.roles&known.role != 0
		visit(&g.v4[i], has && r.flags&has4 != 0)
		visit(&g.v6[i], has && r.flags&has6 != 0)
	}
	visit(&g.curators, live && r.runsCurator())
}

// moveGroups makes the groups follow a node from one record to the next.
func (s *Store) moveGroups(k key, was record, had bool, is record, has bool) {
	if was.roles|is.roles == 0 {
		return // each group is one of a role
	}
	var before [2*len(roleNames) + 1]bool
	i := 0
	s.draft.groups.each(was, had, func(_ *trie[struct{}], in bool) { before[i] = in; i++ })
	i = 0
	s.draft.groups.each(is, has, func(group *trie[struct{}], in bool) {
		switch {
		case in && !before[i]:
			*group = group.set(s.edit, k, struct{}{})
		case !in && before[i]:
			*group = group.remove(s.edit, k)
		}
		i++
	})
}

// WithRole yields the live nodes that have a role and an address of a family:
// this machine first, and the others in rotation, beginning at the position
// turn, which may be any number. Departed nodes are left out.
func (s *Snapshot) WithRole(role Roles, family Family, turn uint64) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if local := s.Local(); local.Roles()&role != 0 && local.HasFamily(family) && !yield(local) {
			return
		}
		for i, known := range roleNames {
			if known.role == role {
				group := s.groups.v6[i]
				if family == IPv4 {
					group = s.groups.v4[i]
				}
				s.circle(group, turn, yield)
				return
			}
		}
	}
}

// runsCurator reports whether a node has a curator: its port is what the node
// reports of itself, and counts only where the cluster gave it the role for that.
func (r *record) runsCurator() bool { return r.port != 0 && r.roles&ConsensusMember != 0 }

// Curators yields the live nodes that run a curator, consensus members with a
// port, in the order of WithRole.
func (s *Snapshot) Curators(turn uint64) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if local := s.Local(); local.reported().runsCurator() && !yield(local) {
			return
		}
		s.circle(s.groups.curators, turn, yield)
	}
}

// circle yields the nodes of a group from one position around to just before
// it.
func (s *Snapshot) circle(group trie[struct{}], turn uint64, yield func(Node) bool) {
	start := key{hi: turn}
	for member := range group.from(start) {
		if n := s.node(member.key); n.Exists() && !yield(n) {
			return
		}
	}
	for member := range group.slots {
		n := s.node(member.key)
		if compareKeys(member.key, start) >= 0 || n.Exists() && !yield(n) {
			return
		}
	}
}
