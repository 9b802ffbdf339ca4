package zone

// statement is what one source reports of a node. Of a source's names only those
// of its own kind are in it, of a saved node's and a departed one's all.
type statement struct {
	record
	names names
}

// held is what the source that takes precedence reports of a node that the zone
// shows, or withholds.
func (s *Store) held(k key, shown record) statement {
	if reported, withheld := s.withheld[k]; withheld {
		return reported
	}
	held := statement{shown, s.draft.namesOf(k)}
	if src := s.sources[shown.source]; src != s.saved && shown.flags&departed == 0 {
		held.names = held.names.only(src.origin())
	}
	return held
}

// effective are the names that the zone shows of a node: those of the source that
// takes precedence and, where that is one of the cluster, those that a file has for
// the node besides. A node that departed keeps the names that it had.
func (s *Store) effective(k key, holder statement) names {
	if holder.flags&departed != 0 || s.sources[holder.source].files {
		return holder.names
	}
	for _, src := range s.live() {
		if aside, known := src.aside[k]; known && src.files {
			return joinNames(aside.names.of(NameFromFile), holder.names.of(NameFromCluster))
		}
	}
	return holder.names
}

// rename puts a change in the names of a node into effect that came from a source
// other than the one that takes precedence.
func (s *Store) rename(k key) {
	if shown, known := s.draft.nodes.get(k); known {
		s.put(k, shown, true, shown, s.effective(k, s.held(k, shown)))
	}
}

// dropNames withdraws the names that a source has for a node which stays. Those of
// another source, which takes precedence, stay too.
func (s *Store) dropNames(k key, src *Source) {
	shown, known := s.draft.nodes.get(k)
	if !known {
		return
	}
	held := s.held(k, shown)
	if held.source == src.rank || held.source == savedRank {
		held.names = held.names.only(1 - src.origin())
	}
	s.put(k, shown, true, shown, s.effective(k, held))
}

// origin is that of the source's names.
func (src *Source) origin() Origin {
	if src.files {
		return NameFromFile
	}
	return NameFromCluster
}

// only are the names of one origin.
func (n names) only(origin Origin) names {
	if origin == NameFromFile {
		return joinNames(n.of(NameFromFile), "")
	}
	return joinNames("", n.of(NameFromCluster))
}
