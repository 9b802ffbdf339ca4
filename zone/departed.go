package zone

import "time"

// expiryInterval is how often departed nodes are checked for expiry. It is
// small compared to any sensible retention.
const expiryInterval = time.Minute

// depart withdraws what a source reported of a node. What another source
// reports of it takes effect then; without any the node is marked as departed:
// what was known of it stays, and is answered until the retention is over. Of a
// node that was saved any source of its kind may have been the origin, so that it
// stays while another one has yet to complete its backlog, or knows the node.
func (s *Store) depart(k key, src *Source) {
	src.dropAside(k)
	delete(src.vouched, k)
	reported, known := s.holder(k)
	saved := reported.source == savedRank
	switch {
	case !known || !saved && reported.source != src.rank:
		return
	case saved && s.isKept(k, reported, src):
		if src.files && reported.flags&fromFile == 0 {
			s.dropNames(k, src) // the node is a cluster's, these were the file's
		}
		return
	}
	shown, known := s.draft.nodes.get(k)
	if next, found := s.takeAside(k); found {
		_ = s.reconcile(k, shown, known, next) // a clash that lasts is logged in the list of refusals
		return
	}
	switch {
	case !known:
		delete(s.withheld, k) // it never came into effect
		return
	case s.draft.isLocal(k):
		if src.files {
			s.dropNames(k, src)
		}
		return // this machine is present, whatever the cluster reports
	case shown.flags&departed != 0:
		return
	}
	left := statement{reported, s.draft.namesOf(k)}
	left.flags |= departed
	left.source = src.rank
	left.since = 0
	_ = s.reconcile(k, shown, known, left) // a clash was reported when it came up
}

// connectedFor is how long a cluster source has been connected, in total, or where
// none is expected how long the files of nodes have been followed. It is the clock
// of the retention: while no source can report that a node is back, its time does
// not run.
func (s *Store) connectedFor() time.Duration {
	if s.retains {
		return s.connected + s.clock() - s.connectedAt
	}
	return s.connected
}

// restoreMark sets how much of its retention a departed node has had.
func (s *Store) restoreMark(k key, counted time.Duration) {
	if r, known := s.draft.nodes.get(k); known && r.flags&departed != 0 {
		s.marks[k] = s.connectedFor() - max(counted, 0)
	}
}

// DepartedFor returns how much of its retention each departed node has had.
func (s *Store) DepartedFor() map[ID]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.connectedFor()
	counted := make(map[ID]time.Duration, len(s.marks))
	for k, mark := range s.marks {
		counted[s.draft.idOf(k)] = now - mark
	}
	return counted
}

// dropExpired drops the departed nodes whose retention is over.
func (s *Store) dropExpired() {
	s.update(func() {
		if s.retain == RetainForever {
			return
		}
		var dropped nameList
		now := s.connectedFor()
		for k, mark := range s.marks {
			if s.retain.expired(now - mark) {
				dropped.add(string(s.draft.idOf(k)))
				s.delete(k)
			}
		}
		if dropped.count > 0 {
			s.log.Debug("the retention of departed nodes is over",
				"count", dropped.count, "names", dropped.names, "retention", s.retain)
		}
	})
}
