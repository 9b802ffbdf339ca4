package zone

import (
	"cmp"
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

// report is what the cluster has of our own node, as a machine reported it.
type report struct {
	boot string
	addr string
}

// twin looks for another machine with our key in what the cluster says of us.
// The cluster keeps the last report for ever, that of our previous boot too, and
// the time in it is the leader's. So a report that was there when a stream began
// tells nothing, whether after a start of ours or with another leader, which may
// have been restored from old data. Only one that comes later tells that a
// machine is alive which made it.
type twin struct {
	boot    string // ours; empty where it is not known
	heard   bool   // a report, in the present backlog of its source or since
	by      *Source
	last    report
	before  string          // the address before the last one
	turns   []time.Duration // clock at each return to it
	past    []netip.Addr    // addresses that were ours
	sign    time.Duration   // clock at the last sign of a twin
	foreign bool            // the last report is not of our boot
}

// begin says that what a source has of us now was there before.
func (t *twin) begin(src *Source) {
	if src == t.by {
		t.heard, t.before = false, ""
	}
}

// hearOfUs judges what the cluster says of our own node. A report with our own
// boot ID is ours, whatever its address: behind address translation, or with two
// uplinks, that may go back and forth.
func (s *Store) hearOfUs(src *Source, e *Entry) {
	t := &s.twin
	said := report{canonicalBoot(e.BootID), reportedAddrs(e.Addresses)}
	if said == (report{}) || t.heard && said == t.last {
		return
	}
	first, ours := !t.heard, t.boot != "" && said.boot == t.boot
	t.foreign = t.boot != "" && said.boot != "" && !ours
	returned := !first && s.returns(said.addr, !ours)
	reason := ""
	switch {
	case first:
	case t.foreign:
		reason = fmt.Sprintf("a machine of boot ID %s at %s reports itself as this node, whose boot ID is %s",
			hex.EncodeToString([]byte(said.boot)), cmp.Or(said.addr, "no address"), hex.EncodeToString([]byte(t.boot)))
	case returned:
		reason = fmt.Sprintf("the cluster's address of this node alternates between %s and %s", t.last.addr, said.addr)
	}
	t.heard, t.by, t.last = true, src, said
	if reason == "" {
		return
	}
	t.sign = s.clock()
	c := Conflict{s.now(), reason}
	if s.draft.conflict != nil {
		c.Since = s.draft.conflict.Since
	}
	if s.draft.conflict == nil || *s.draft.conflict != c {
		s.draft.conflict = &c
	}
}

// reportedAddrs are the first addresses of a report as text, whatever it has for
// addresses.
func reportedAddrs(addrs []string) string {
	var texts []string
	for _, text := range addrs[:min(len(addrs), 2)] {
		if addr, err := netip.ParseAddr(text); err == nil {
			texts = append(texts, addr.String())
		} else {
			texts = append(texts, fmt.Sprintf("%.64q", text))
		}
	}
	return strings.Join(texts, " ")
}

// returns notes an address, and says whether there was a second return to one
// that the cluster had before, of those that count. Only between an address that
// is or was ours and another one is that strange: between ours a machine may
// come and go, and of two that never were, behind address translation, nothing
// is known.
func (s *Store) returns(addr string, counts bool) bool {
	t := &s.twin
	if addr == "" || addr == t.last.addr {
		return false
	}
	now := s.clock()
	t.turns = slices.DeleteFunc(t.turns, func(at time.Duration) bool { return now-at > turnsFor })
	returned := counts && addr == t.before && s.wasOurs(addr) != s.wasOurs(t.last.addr)
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
	return strings.Clone(id[:min(len(id), 64)]) // what it is a part of may be large
}
