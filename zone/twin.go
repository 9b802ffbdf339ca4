package zone

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	// turnsFor is how long a change of the address that the cluster has of us
	// is remembered, and twinFor how long a conflict lasts after the last sign
	// of it.
	turnsFor = time.Hour
	twinFor  = 10 * time.Minute
	// bootMargin is how much later than our boot a report must be for it to
	// be from another machine. Clocks are not exact.
	bootMargin = time.Minute
	// maxPast bounds the former addresses of ours that are remembered.
	maxPast = 16
)

// Conflict says that another machine has this node's key, and so its ID.
type Conflict struct {
	Since  time.Time
	Reason string
}

// Conflict returns the present one, if there is any.
func (s *Snapshot) Conflict() (Conflict, bool) {
	if s.conflict == nil {
		return Conflict{}, false
	}
	return *s.conflict, true
}

// report is what the cluster has of our own node, as somebody reported it.
type report struct {
	boot string
	addr string
	at   time.Time
}

// twin looks for another machine with our key in what the cluster says of us.
// The cluster keeps the last report for ever, that of our previous boot too, so
// only what is new tells that somebody else is alive.
type twin struct {
	boot    string // ours; empty where it is not known
	heard   bool
	last    report
	before  string          // the address before the last one
	turns   []time.Duration // clock at each return to it
	past    []netip.Addr    // addresses that were ours
	sign    time.Duration   // clock at the last sign of a twin
	foreign bool            // the last report is a twin's
}

// hearOfUs judges what the cluster says of our own node.
func (s *Store) hearOfUs(e *Entry) {
	t := &s.twin
	said := report{canonicalBoot(e.BootID), strings.Join(e.Addresses, " "), e.Reported}
	if said.boot == "" && said.addr == "" || t.heard && said == t.last {
		return
	}
	reason := ""
	t.foreign = t.boot != "" && said.boot != "" && said.boot != t.boot && (t.heard || s.sinceBoot(said.at))
	if t.foreign {
		reason = fmt.Sprintf("a machine of boot ID %s reports itself as this node, whose boot ID is %s",
			hex.EncodeToString([]byte(said.boot)), hex.EncodeToString([]byte(t.boot)))
	}
	if t.heard && s.alternates(said.addr) && reason == "" {
		reason = fmt.Sprintf("the cluster's address of this node alternates between %s and %s", t.last.addr, said.addr)
	}
	t.heard, t.last = true, said
	if reason == "" {
		return
	}
	t.sign = s.clock()
	if s.draft.conflict == nil {
		s.draft.conflict = &Conflict{s.now(), reason}
	}
}

// sinceBoot says whether a report was made after this machine was started, by
// clocks that may be wrong: one in our future proves that ours is.
func (s *Store) sinceBoot(at time.Time) bool {
	if at.IsZero() {
		return false
	}
	now := s.now()
	booted := now.Add(-s.clock())
	return at.After(booted.Add(bootMargin)) && at.Before(now.Add(bootMargin))
}

// alternates notes an address, and says whether there was a second return to
// one that the cluster had before. Only between an address that is or was ours
// and another one is that strange: between ours a machine may come and go, and
// of two that never were, behind address translation, nothing is known.
func (s *Store) alternates(addr string) bool {
	t := &s.twin
	if addr == "" || addr == t.last.addr {
		return false
	}
	now := s.clock()
	t.turns = slices.DeleteFunc(t.turns, func(at time.Duration) bool { return now-at > turnsFor })
	returned := addr == t.before && s.wasOurs(addr) != s.wasOurs(t.last.addr)
	t.before = t.last.addr
	if returned {
		t.turns = append(t.turns, now)
		t.turns = t.turns[max(0, len(t.turns)-2):]
	}
	return returned && len(t.turns) == 2
}

func (s *Store) wasOurs(text string) bool {
	addr, err := netip.ParseAddr(text)
	return err == nil && (s.isOurs(addr) || slices.Contains(s.twin.past, addr))
}

// remember keeps the addresses that we have now for when we have others. The
// last ones come last.
func (t *twin) remember(addrs []netip.Addr) {
	t.past = slices.DeleteFunc(t.past, func(addr netip.Addr) bool { return slices.Contains(addrs, addr) })
	t.past = append(t.past, addrs...)
	t.past = t.past[max(0, len(t.past)-maxPast):]
}

// endConflict takes the conflict back when there has been no sign of it for a
// while.
func (s *Store) endConflict() {
	s.update(func() {
		if t := &s.twin; s.draft.conflict != nil && !t.foreign && s.clock()-t.sign >= twinFor {
			s.draft.conflict = nil
		}
	})
}

// canonicalBoot is the 16 bytes of a boot ID, which the kernel writes as a UUID.
func canonicalBoot(id string) string {
	if raw, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(id), "-", "")); err == nil && len(raw) == 16 {
		return string(raw)
	}
	return id[:min(len(id), 64)]
}
