package zone

import (
	"errors"
	"net/netip"
	"slices"
)

// The reasons why an entry is refused.
var (
	errNoIDShape = errors.New("the name has no node-ID shape")
	errOtherCase = errors.New("the name differs from another one by case only")
	errOurs      = errors.New("the address is this machine's own")
	errFull      = errors.New("the zone is full")
)

// merge decides what the zone shows of a node, from what it shows now and what
// the source that takes precedence reports. It reports whether that clashes
// with an address of this machine: then all stays as it was, without addresses
// that are ours.
func merge(shown, reported record, ours func(netip.Addr) bool) (result record, clash bool) {
	result = reported
	for addr := range reported.addrs {
		clash = clash || ours(addr)
	}
	if clash {
		result = shown
		result.source, result.since = reported.source, reported.since
		result.flags = shown.flags&hasAddress | reported.flags&^hasAddress
	} else if reported.flags&hasAddress == 0 {
		result.takeAddrs(shown)
	}
	for addr := range result.addrs {
		if ours(addr) {
			result.dropAddr(addr)
		}
	}
	return result, clash
}

func (r *record) dropAddr(addr netip.Addr) {
	if addr.Is4() {
		r.v4, r.flags = [4]byte{}, r.flags&^has4
	} else {
		r.v6, r.flags = [16]byte{}, r.flags&^has6
	}
}

// apply takes in what a source reports of a node: the one place where layers
// are merged.
func (s *Store) apply(k key, reported statement) error {
	holds, known := s.holder(k)
	_, withheld := s.withheld[k]
	switch {
	case known && s.stands(holds, reported.record):
		s.sources[reported.source].setAside(k, reported)
		s.rename(k)
		return nil
	case known && holds.flags&departed == 0 && holds.source != reported.source:
		s.sources[holds.source].setAside(k, s.held(k, holds))
	}
	delete(s.sources[reported.source].aside, k)
	switch {
	case s.draft.isLocal(k):
		// The kernel knows our addresses sooner and better. There is always room
		// for what the cluster reports of us.
		reported.takeAddrs(record{})
	case !known && s.draft.nodes.size+len(s.withheld) >= s.max && !s.makeRoom(reported.record):
		return errFull
	case reported.flags&hasAddress == 0 && withheld:
		reported.takeAddrs(holds)
	}
	if withheld {
		holds, known = s.draft.nodes.get(k) // what is shown
	}
	return s.reconcile(k, holds, known, reported)
}

// reconcile checks what is reported of a node against our own addresses, and
// puts it into effect.
func (s *Store) reconcile(k key, shown record, known bool, reported statement) error {
	result, clash := merge(shown, reported.record, s.isOurs)
	has := s.effective(k, reported)
	if !clash {
		delete(s.withheld, k)
		s.put(k, shown, known, result, has)
		return nil
	}
	_, already := s.withheld[k]
	s.withheld[k] = reported
	s.refusals.note(string(s.idOf(k)))
	if known {
		s.put(k, shown, known, result, has)
	}
	if already {
		return nil
	}
	return errOurs
}

func (s *Store) isOurs(addr netip.Addr) bool {
	return slices.Contains(s.draft.local.addrs, addr)
}

// reconcileClaimsOn reconciles again the nodes that claim addresses which are, or were,
// ours.
func (s *Store) reconcileClaimsOn(were, are []netip.Addr) {
	var refused refusalBatch
	for _, addr := range are {
		for _, k := range s.claiming(reverseKey(addr)) {
			s.reconcileAgain(k, &refused)
		}
	}
	for k, reported := range s.withheld {
		for addr := range reported.addrs {
			if slices.Contains(were, addr) {
				s.reconcileAgain(k, &refused)
				break
			}
		}
	}
	s.logRefusals(LocalSource, refused, false)
}

func (s *Store) reconcileAgain(k key, refused *refusalBatch) {
	shown, known := s.draft.nodes.get(k)
	if err := s.reconcile(k, shown, known, s.held(k, shown)); err != nil {
		refused.news = true
		refused.add(string(s.idOf(k)), err)
	}
}

// put puts a record into the zone and keeps all that follows from it
// consistent: its names, the reverse records, the counts and the marks of departure.
func (s *Store) put(k key, was record, known bool, is record, has names) {
	had := s.draft.names.of(k, was.names)
	is.since, is.names = s.dated(was, known, is), s.hintTo(has)
	if known && is == was && had == has {
		return
	}
	s.draft.nodes = s.draft.nodes.set(s.edit, k, is)
	s.moveNames(k, was, had, is, has)
	if !s.draft.isLocal(k) {
		if !known && is.flags&freeID != 0 {
			s.draft.free++
		}
		s.count(was, known, -1)
		s.count(is, true, 1)
		s.moveClaims(k, was, is)
		s.moveGroups(k, was, known, is, true)
	}
	if is.flags&departed == 0 || s.draft.isLocal(k) {
		delete(s.marks, k)
	} else if _, marked := s.marks[k]; !marked {
		s.marks[k] = s.connectedFor()
	}
}

// dated is when the content of a record was learnt.
func (s *Store) dated(was record, known bool, is record) uint32 {
	switch {
	case known && is.sameAddrs(was) && (is.flags^was.flags)&departed == 0:
		return was.since
	case is.since != 0 && (is.flags&departed != 0 || is.source == savedRank):
		return is.since // departed, or learnt, at an earlier run
	default:
		return unixSeconds(s.now())
	}
}

// delete takes a node out of the zone.
func (s *Store) delete(k key) {
	delete(s.withheld, k)
	delete(s.marks, k)
	for _, src := range s.sources {
		delete(src.spelled, k)
	}
	was, known := s.draft.nodes.get(k)
	if !known {
		return
	}
	had := s.draft.names.of(k, was.names)
	s.draft.nodes = s.draft.nodes.remove(s.edit, k)
	s.moveNames(k, was, had, record{}, "")
	if !s.draft.isLocal(k) {
		if was.flags&freeID != 0 {
			s.draft.free--
		}
		s.count(was, true, -1)
		s.moveClaims(k, was, record{})
		s.moveGroups(k, was, true, record{}, false)
	}
}

func (s *Store) count(r record, counts bool, by int) {
	switch {
	case !counts:
	case r.flags&departed != 0:
		s.draft.counts.Departed += by
	default:
		s.draft.counts.Live += by
	}
}
