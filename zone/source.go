package zone

import (
	"iter"
	"math"
	"slices"
	"time"
)

// Source is the handle through which one watcher reports what it knows of the
// cluster's nodes. A backlog is reported between Begin and Complete; before,
// within and after it Set and Gone take effect at once.
type Source struct {
	store *Store
	name  string
	rank  uint8 // a lower one outranks a higher one
	files bool  // it reports files of the operator, and no cluster

	state
	inBacklog bool
	reporting bool         // inBacklog, and the source has not gone quiet since; or the saved nodes are being loaded
	current   bool         // all nodes have been reported in the present connection
	named     bool         // the present backlog has named a node
	seen      []key        // those of the zone's nodes that it named, with repetitions
	taken     bool         // the zone has taken an entry of the present backlog
	refused   refusalBatch // what of it was refused
	missing   bool         // a node did not fit, since the present backlog began
	// overflowed is that the zone lacks nodes that the source named.
	overflowed bool

	aside   map[key]statement // what it reports of nodes for which an earlier one takes precedence
	vouched map[key]struct{}  // saved nodes that its last backlog named, though with invalid entries
	spelled map[key]string    // names that it does not spell canonically
	self    selfReports
	backlog uint32 // number of the present one, among those of all sources
	unnamed int    // refusals beyond maxRefusals, as the last backlog had them
}

// savedRank comes after that of every live source.
const savedRank = 0

// Source returns the layer of the zone with a name, a new one for a new name. Of
// two that report one node, the one that was made earlier takes precedence. A
// zone has 255 layers besides the saved one; further names share the last of
// them.
func (s *Store) Source(name string) *Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addSource(name)
}

func (s *Store) addSource(name string) *Source {
	if i := slices.IndexFunc(s.sources, func(src *Source) bool { return src.name == name }); i >= 0 {
		return s.sources[i]
	}
	if len(s.sources) > math.MaxUint8 {
		return s.sources[math.MaxUint8]
	}
	src := &Source{store: s, name: name, rank: uint8(len(s.sources)), spelled: map[key]string{}}
	s.sources = append(s.sources, src)
	names := append(slices.Clone(*s.draft.sources), name)
	s.draft.sources = &names
	return src
}

// Saved returns the layer of what an earlier run knew. Every live source
// outranks it.
func (s *Store) Saved() *Source { return s.saved }

// Begin starts a new backlog: a node that it does not name by the time of
// Complete has departed.
func (src *Source) Begin() {
	src.store.update(func() {
		src.store.saved.endReport() // where it could not be loaded to the end
		src.inBacklog, src.reporting = true, true
		src.current, src.named, src.missing, src.seen = false, false, false, nil
		src.taken, src.refused = false, refusalBatch{}
		src.store.refusals.begin(src)
		src.store.rememberNames()
		src.self.begin()
	})
}

// Set reports nodes that exist, and what is known of them.
func (src *Source) Set(entries ...Entry) {
	src.store.update(func() {
		src.beginSet()
		var refused refusalBatch
		for i := range entries {
			src.report(&entries[i], &refused)
		}
		src.store.logRefusals(src.name, refused, src.inBacklog)
	})
}

// pauseAfter is how many entries are taken in before others can change the zone: some
// tenths of a second. What they publish is copied by the rest of the entries that
// change it, and readers may keep it for a while.
const pauseAfter = 1 << 17

// SetAll is Set for a sequence, which is gone through once and must not change the
// zone. An entry and its lists are done with when the next one is asked for, and may be
// used again for that. All are one batch, except that within a backlog other changes can
// come between them, so that there may be any number.
func (src *Source) SetAll(entries iter.Seq[*Entry]) {
	s := src.store
	s.update(func() {
		src.beginSet()
		var refused refusalBatch
		count := 0
		for e := range entries {
			if count++; count%pauseAfter == 0 && src.inBacklog {
				s.pause()
			}
			src.report(e, &refused)
		}
		s.logRefusals(src.name, refused, src.inBacklog)
	})
}

func (src *Source) beginSet() {
	if src == src.store.saved {
		src.reporting = true // until they are loaded: their batches are one backlog
		src.store.rememberNames()
	}
}

// report takes in one of the entries of a batch.
func (src *Source) report(e *Entry, refused *refusalBatch) {
	err := src.set(e)
	if err == nil {
		src.taken = true
		return
	}
	if err == errFull {
		src.missing, src.overflowed = true, true
	}
	src.refuse(refused, e.ID, err)
	src.taken = src.taken || isNameError(err)
}

func (src *Source) set(e *Entry) error {
	s := src.store
	k, free, err := src.keyOf(e.ID)
	if err != nil {
		return err
	}
	err = src.take(k, free, e)
	held := err == nil
	if !held { // a node whose entry is invalid exists nevertheless
		var r record
		if r, held = s.holder(k); held && r.source == savedRank {
			src.vouch(k)
		}
	}
	// Only what the zone holds is worth memory: of names that are refused there may be
	// any number.
	if held {
		src.see(k)
	} else {
		delete(src.spelled, k)
	}
	src.named = true
	return err
}

// take takes in an entry about the node with a key and a free ID, or none.
func (src *Source) take(k key, free string, e *Entry) error {
	s := src.store
	if err := src.checkSpelling(k, e.ID); err != nil {
		return err
	}
	if src != s.saved {
		e.Since, e.Departed = time.Time{}, time.Time{}
		e.FromFile = src.files
		if s.draft.isLocal(k) && !src.files {
			s.observeSelf(src, e)
		}
	}
	reported, err := e.asRecord()
	if err != nil {
		if pending, withheld := s.withheld[k]; withheld && (pending.source == src.rank || pending.source == savedRank) {
			delete(s.withheld, k) // it is not what the source reports any more
		}
		return err
	}
	s.refusals.lift(src, e.ID)
	reported.source = src.rank
	if src == s.saved {
		s.restoreOwner(k, reported, e.Owned)
		s.restoreNames(k, e.OwnedNames)
	}
	has, refused := src.readable(k, free, e)
	if free != "" {
		reported.flags |= freeID
	}
	if err := s.apply(k, statement{reported, has}); err != nil {
		return err
	}
	if reported.flags&departed != 0 {
		s.restoreMark(k, e.Counted)
	}
	return refused
}

// checkSpelling refuses a name that differs from one in use by case only: two
// such names are one in DNS. The first one reported stays.
func (src *Source) checkSpelling(k key, name string) error {
	s := src.store
	first, odd := src.spelled[k]
	switch {
	case src.files:
		return nil // an operator may write a name in either case
	case odd && name != first:
		return errOtherCase
	case odd, isCanonical(name):
		return nil
	}
	if r, known := s.draft.nodes.get(k); known && r.source == src.rank && r.flags&departed == 0 {
		return errOtherCase // of the canonical spelling
	}
	if _, known := src.aside[k]; known {
		return errOtherCase
	}
	src.spelled[k] = name
	return nil
}

// Gone reports nodes that have left the cluster. One that is not known is
// ignored.
func (src *Source) Gone(ids ...string) {
	s := src.store
	s.update(func() {
		for _, id := range ids {
			k, _, err := src.keyOf(id)
			if err == nil && src.checkSpelling(k, id) == nil {
				s.depart(k, src)
				delete(src.spelled, k)
			}
			s.refusals.lift(src, id)
		}
	})
}

// Complete ends the backlog: all of it has been reported. It does nothing
// unless one has begun, and nothing either where that named no node: a cluster
// has at least the node that reports it, and all that is known must not be lost
// to a curator which has lost its own data.
func (src *Source) Complete() {
	s := src.store
	s.update(func() {
		if !src.inBacklog {
			return
		}
		src.warnOfNothing()
		if !src.named && !src.files {
			return
		}
		src.complete, src.settled, src.since = true, true, s.now()
		absent := src.absent()
		src.warnOfLoss(len(absent))
		for _, k := range absent {
			s.depart(k, src)
			delete(src.spelled, k)
		}
		src.inBacklog = false
		src.current, src.overflowed, src.seen = true, src.missing, nil
		src.refused = refusalBatch{}
		if !s.awaited(src) {
			s.saved.overflowed = false // the backlogs have what was saved, or it departed
		}
		s.refusals.complete(src)
		s.flushRefusals()
		src.endReport()
	})
}

// Settle reports that the source has gone quiet without ever marking where its
// backlog ends. The zone is then ready, and nothing more.
func (src *Source) Settle() {
	src.store.update(func() {
		src.settled = true
		src.endReport()
	})
}
