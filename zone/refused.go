package zone

import (
	"slices"
	"strings"
)

// Refusal is an entry of a source that the zone does not accept.
type Refusal struct {
	// ID is the node's name as the source spells it, cut where it is longer than
	// any name.
	ID string `json:"id"`
	// Reason in words.
	Reason string `json:"reason"`
}

// Refused lists the entries that are refused now, the first ten at most:
// Counts().Quarantined is the number of all.
func (s *Snapshot) Refused() []Refusal {
	if s.refused == nil {
		return nil
	}
	return slices.Clone(*s.refused)
}

// Refusal reports why a source's entry for a name, in any letter case, is
// refused now. Of the names that have no node-ID shape or an address that no
// node may have 1,024 are remembered.
func (s *Store) Refusal(name string) (reason string, refused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reason, refused = s.refusalOf(name); refused {
		return reason, true
	}
	name = clip(name)
	for spelled, r := range s.refusals.named {
		if strings.EqualFold(spelled, name) {
			return r.reason, true
		}
	}
	return "", false
}

// refusalOf is Refusal for a name as its source spells it.
func (s *Store) refusalOf(name string) (reason string, refused bool) {
	if r, ok := s.refusals.named[clip(name)]; ok {
		return r.reason, true
	}
	if k, _, err := s.saved.keyOf(name); err == nil {
		if _, withheld := s.withheld[k]; withheld {
			return errOurs.Error(), true
		}
	}
	return "", false
}

// listRefused keeps the list of the first refusals up to date: what is in it
// stays in its place for as long as it is refused, and what is refused now is
// appended.
func (s *Store) listRefused() {
	fresh := s.refusals.fresh
	if s.draft.refused == nil && len(fresh) == 0 {
		return
	}
	s.refusals.fresh = nil
	var was, list []Refusal
	if s.draft.refused != nil {
		was = *s.draft.refused
	}
	add := func(name string) bool {
		known := slices.ContainsFunc(list, func(r Refusal) bool { return r.ID == name })
		if reason, refused := s.refusalOf(name); refused && !known {
			list = append(list, Refusal{name, reason})
		}
		return len(list) < maxNames
	}
	for _, r := range was {
		add(r.ID)
	}
	for _, name := range fresh {
		if len(list) < maxNames {
			add(name)
		}
	}
	s.fillRefused(len(list), add)
	switch {
	case len(list) == 0:
		s.draft.refused = nil
	case !slices.Equal(list, was):
		s.draft.refused = &list
	}
}

// fillRefused adds refusals that the list had no room for when they came.
func (s *Store) fillRefused(listed int, add func(name string) bool) {
	if listed >= min(maxNames, len(s.refusals.named)+len(s.withheld)) {
		return
	}
	for name := range s.refusals.named {
		if !add(name) {
			return
		}
	}
	for k := range s.withheld {
		if !add(string(s.idOf(k))) {
			return
		}
	}
}
