package zone

import (
	"slices"
	"time"
)

// state is the state of one source and of its connection to its cluster.
type state struct {
	expected  bool
	connected bool
	complete  bool   // all of its nodes have been reported since the start
	settled   bool   // its nodes are known well enough to deny a name
	cluster   string // distinguishes clusters; empty where unknown
	lost      time.Duration
	lostAt    time.Time
	since     time.Time // the moment that its nodes date from
}

// Expect sets whether the source is configured to report nodes. While one that is
// expected has not completed a backlog, an unknown name is not known not to exist,
// and while it is not connected by [Source.SetConnected], the cluster is out of reach.
func (src *Source) Expect(expected bool) {
	s := src.store
	s.update(func() {
		if src.expected == expected {
			return
		}
		src.expected = expected
		if expected && !src.connected {
			src.lost, src.lostAt = s.clock(), s.now()
		}
		if !expected {
			src.endReport() // the rest of a backlog does not come
			s.endWait()
		}
	})
}

// SetConnected sets whether the source is connected to its cluster now.
func (src *Source) SetConnected(connected bool) {
	s := src.store
	s.update(func() {
		switch {
		case connected && !src.connected:
			src.lost, src.lostAt = 0, time.Time{}
		case !connected && src.connected:
			src.lost, src.lostAt = s.clock(), s.now()
			if src.current {
				src.current, src.since = false, s.now()
			}
		}
		src.connected = connected
	})
}

// Loaded ends the load of what was saved at the time given.
func (src *Source) Loaded(at time.Time) {
	src.store.update(func() {
		src.settled = true
		src.endReport()
		if src.since.IsZero() {
			src.since = at
		}
	})
}

// SetCluster sets which cluster the source reports, by anything that no two
// clusters share. When it is another one than before, the nodes that the source
// reported are dropped at once, and what was saved of the cluster before. An empty
// ID changes nothing.
func (src *Source) SetCluster(id string) {
	s := src.store
	s.update(func() {
		before := src.cluster
		if id == "" || id == before {
			return
		}
		src.cluster = id
		dropSaved := src != s.saved && src == s.primary() && (before != "" || s.saved.cluster != "" && s.saved.cluster != id)
		if before == "" && !dropSaved {
			return
		}
		if before == "" {
			before = s.saved.cluster
		}
		dropped := s.reportedBy(src, dropSaved)
		s.log.Info("cluster changed, dropping nodes of the previous cluster",
			"nodes", len(dropped), "cluster", id, "before", before)
		src.forget()
		if dropSaved {
			s.saved.forget()
			s.saved.cluster = ""
		}
		s.dropAll(dropped)
	})
}

// primary is the source whose cluster is that of the saved nodes: the earliest
// that is expected, or else the earliest that knows its cluster.
func (s *Store) primary() *Source {
	for _, src := range s.clusters() {
		if src.expected {
			return src
		}
	}
	for _, src := range s.clusters() {
		if src.cluster != "" {
			return src
		}
	}
	return s.saved
}

// live are the sources except the saved one, in the order in which they were made.
func (s *Store) live() []*Source { return s.sources[savedRank+1:] }

// clusters are the live sources that report a cluster.
func (s *Store) clusters() []*Source {
	return slices.DeleteFunc(slices.Clone(s.live()), func(src *Source) bool { return src.files })
}

// relevant are the sources that the state of the cluster depends on: of those that
// report one the ones that are expected or, where none is, all.
func (s *Store) relevant() (sources []*Source, expected bool) {
	all := s.clusters()
	for _, src := range all {
		if src.expected {
			sources = append(sources, src)
		}
	}
	if sources == nil {
		return all, false
	}
	return sources, true
}

// awaited reports whether an expected source other than src has yet to complete
// its backlog: a saved node may be one of that source's.
func (s *Store) awaited(src *Source) bool {
	return slices.ContainsFunc(s.live(), func(other *Source) bool {
		return other != src && other.expected && !other.complete
	})
}

// awaitsOrigin is awaited for one saved node: only a source of the kind that it was
// known by can have it.
func (s *Store) awaitsOrigin(saved record, src *Source) bool {
	return slices.ContainsFunc(s.live(), func(other *Source) bool {
		return other != src && other.expected && !other.complete && other.files == (saved.flags&fromFile != 0)
	})
}

// isReady reports whether a name that is not in the zone is known not to exist.
func (s *Store) isReady() bool {
	_, cluster := s.relevant()
	switch {
	case s.saved.settled:
		return true
	case slices.ContainsFunc(s.live(), func(src *Source) bool { return src.expected && !src.settled }):
		return false
	}
	return cluster || s.localReported || slices.ContainsFunc(s.clusters(), func(src *Source) bool { return src.settled })
}

// setCluster derives the zone's state from those of its sources.
func (s *Store) setCluster() {
	sources, expected := s.relevant()
	c := Cluster{Expected: expected, ID: s.primary().cluster, Connected: expected, Complete: expected}
	for _, src := range sources {
		if expected {
			c.Connected, c.Complete = c.Connected && src.connected, c.Complete && src.complete
		} else {
			c.Connected, c.Complete = c.Connected || src.connected, c.Complete || src.complete
		}
		since := src.since
		if since.IsZero() && expected {
			since = s.saved.since
		}
		c.DataSince = earlier(c.DataSince, since)
	}
	if c.ID == "" {
		c.ID = s.saved.cluster
	}
	if c.DataSince.IsZero() {
		c.DataSince = s.saved.since
	}
	if !c.Connected {
		c.Lost, c.LostAt = firstLoss(sources)
	}
	s.draft.cluster = c
	s.draft.filesRead = slices.ContainsFunc(s.live(), func(src *Source) bool { return src.files && src.complete })
	s.runRetention(c.Connected || !expected && s.draft.filesRead)
}

// runRetention starts and stops the clock of the retention.
func (s *Store) runRetention(runs bool) {
	switch {
	case runs && !s.retains:
		s.connectedAt = s.clock()
	case s.retains && !runs:
		s.connected += s.clock() - s.connectedAt
	}
	s.retains = runs
}

// firstLoss is when the first of the sources that are out of reach was lost.
func firstLoss(sources []*Source) (lost time.Duration, at time.Time) {
	for _, src := range sources {
		if !src.connected && !src.lostAt.IsZero() && (at.IsZero() || src.lost < lost) {
			lost, at = src.lost, src.lostAt
		}
	}
	return lost, at
}

// earlier is the earlier of two times, of which the zero one stands for none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
