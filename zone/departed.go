package zone

import "time"

// expiryInterval is how often departed nodes are looked through. It is small
// against any sensible retention.
const expiryInterval = time.Minute

// depart marks a node as departed when the source that is believed says so.
// What was known of it stays, and is answered until the retention is over.
func (s *Store) depart(k key, rank uint8) {
	shown, known := s.draft.nodes.get(k)
	said, withheld := s.withheld[k]
	switch {
	case !known && withheld:
		delete(s.withheld, k) // it never came into effect
		return
	case !known, shown.flags&departed != 0, outranks(shown.source, rank), s.draft.isLocal(k):
		return // we are here, whatever the cluster says
	case !withheld:
		said = shown
	}
	said.flags |= departed
	said.source = rank
	said.since = 0
	_ = s.reconcile(k, shown, known, said) // a clash was reported when it came up
}

// connectedFor is how long a cluster source has been connected, all in all. It
// is the clock of the retention: while nobody can tell us that a node is back,
// its time does not run.
func (s *Store) connectedFor() time.Duration {
	if s.draft.cluster.Connected {
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

// DepartedFor tells how much of its retention each departed node has had.
func (s *Store) DepartedFor() map[ID]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.connectedFor()
	counted := make(map[ID]time.Duration, len(s.marks))
	for k, mark := range s.marks {
		counted[k.id(s.draft.prefix)] = now - mark
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
				dropped.add(string(k.id(s.draft.prefix)))
				s.delete(k)
			}
		}
		if dropped.count > 0 {
			s.log.Debug("the retention of departed nodes is over",
				"count", dropped.count, "names", dropped.names, "retention", s.retain)
		}
	})
}
