package zone

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// turnsFor is how long a change of the address that the cluster has of us
	// is remembered, and duplicateFor how long a conflict lasts after the last sign
	// of it.
	turnsFor     = time.Hour
	duplicateFor = 10 * time.Minute
	// maxPast bounds the former addresses of ours that are remembered.
	maxPast = 16
)

// DuplicateKey describes another machine that has this node's key, and so its
// ID.
type DuplicateKey struct {
	Since  time.Time
	Reason string
}

// DuplicateKey returns the current one, if there is any.
func (s *Snapshot) DuplicateKey() (DuplicateKey, bool) {
	if s.duplicate == nil {
		return DuplicateKey{}, false
	}
	return *s.duplicate, true
}

// report is what the cluster has of our own node, as a machine reported it.
type report struct {
	boot string
	at   place
}

// place is where a machine reports itself to be: the first of the addresses, or
// the beginning of what is none. It is bounded, whatever the report has.
type place struct {
	addrs     [2]netip.Addr
	malformed string
}

func placeOf(e *Entry) (p place) {
	for i, addr := range e.Addresses[:min(len(e.Addresses), len(p.addrs))] {
		p.addrs[i] = addr.WithZone("") // a zone may be any text
	}
	p.malformed = clone64(e.Malformed)
	return p
}

// String lists what there is.
func (p place) String() string {
	if p == (place{}) {
		return "no address"
	}
	var texts []string
	for _, addr := range p.addrs {
		if addr.IsValid() {
			texts = append(texts, addr.String())
		}
	}
	if p.malformed != "" {
		texts = append(texts, strconv.Quote(p.malformed))
	}
	return strings.Join(texts, " ")
}

// duplicateKeyDetector looks for another machine with our key in what the cluster
// reports of us. The cluster keeps the last report for ever, that of our previous
// boot too, and the time in it is the leader's. So a report that was there when a
// stream began proves nothing, whether after a start of ours or with another
// leader, which may have been restored from old data. Only one that comes later
// proves that a machine is alive which made it.
type duplicateKeyDetector struct {
	boot string       // ours; empty where it is not known
	past []netip.Addr // addresses that were ours
}

// selfReports are what one source has reported of our own node.
type selfReports struct {
	received bool // one, in the present backlog or since
	last     report
	before   place           // that before the last one
	turns    []time.Duration // clock at each return to it
	sign     time.Duration   // clock at the last sign of another machine
	foreign  bool            // the last report is not of our boot
	proven   bool            // there was a sign of another machine
}

// begin marks what the source has of us now as having been there before.
func (r *selfReports) begin() { r.received, r.before = false, place{} }

// observeSelf evaluates what the cluster reports of our own node. A report with
// our own boot ID is ours, whatever its address: behind address translation, or
// with two uplinks, that may go back and forth.
func (s *Store) observeSelf(src *Source, e *Entry) {
	r, boot := &src.self, s.detector.boot
	reported := report{canonicalBoot(e.BootID), placeOf(e)}
	if reported == (report{}) || r.received && reported == r.last {
		return
	}
	first, ours := !r.received, boot != "" && reported.boot == boot
	r.foreign = boot != "" && reported.boot != "" && !ours
	returned := !first && s.returns(r, reported.at, !ours)
	reason := ""
	switch {
	case first:
	case r.foreign:
		reason = fmt.Sprintf("a machine of boot ID %s at %s reports itself as this node, whose boot ID is %s",
			hex.EncodeToString([]byte(reported.boot)), reported.at, hex.EncodeToString([]byte(boot)))
	case returned:
		reason = fmt.Sprintf("the cluster's address of this node alternates between %s and %s", r.last.at, reported.at)
	}
	r.received, r.last = true, reported
	if reason == "" {
		return
	}
	r.sign, r.proven = s.clock(), true
	c := DuplicateKey{s.now(), reason}
	if s.draft.duplicate != nil {
		c.Since = s.draft.duplicate.Since
	}
	if s.draft.duplicate == nil || *s.draft.duplicate != c {
		s.draft.duplicate = &c
	}
}

// returns records a place, and reports whether there was a second return to
// one that the cluster had before, of those that count. Only between an address
// that is or was ours and another one is that suspicious: between its own a
// machine may alternate, and of two that never were, behind address
// translation, nothing is known.
func (s *Store) returns(r *selfReports, at place, counts bool) bool {
	if at == (place{}) || at == r.last.at {
		return false
	}
	now := s.clock()
	r.turns = slices.DeleteFunc(r.turns, func(at time.Duration) bool { return now-at > turnsFor })
	returned := counts && at == r.before && s.wasOurs(at) != s.wasOurs(r.last.at)
	r.before = r.last.at
	if returned {
		r.turns = append(r.turns, now)
		r.turns = r.turns[max(0, len(r.turns)-2):]
	}
	return returned && len(r.turns) == 2
}

// wasOurs reports whether a place is an address alone, which is or was ours.
func (s *Store) wasOurs(at place) bool {
	addr := at.addrs[0]
	return at == placeAt(addr) && (s.isOurs(addr) || slices.Contains(s.detector.past, addr))
}

func placeAt(addr netip.Addr) place { return place{addrs: [2]netip.Addr{addr}} }

// remember keeps the addresses that we have now for when they change. The
// latest come last.
func (d *duplicateKeyDetector) remember(addrs []netip.Addr) {
	d.past = slices.DeleteFunc(d.past, func(addr netip.Addr) bool { return slices.Contains(addrs, addr) })
	d.past = append(d.past, addrs...)
	d.past = d.past[max(0, len(d.past)-maxPast):]
}

// endDuplicate withdraws the duplicate when there has been no sign of it for a
// while.
func (s *Store) endDuplicate() {
	s.update(func() {
		for _, src := range s.sources {
			if r := &src.self; r.proven && !r.foreign && s.clock()-r.sign >= duplicateFor {
				r.proven = false
			}
		}
		s.clearDuplicate()
	})
}

// clearDuplicate withdraws the duplicate unless the reports of a source prove
// it.
func (s *Store) clearDuplicate() {
	if !slices.ContainsFunc(s.sources, func(src *Source) bool { return src.self.proven }) {
		s.draft.duplicate = nil
	}
}

// canonicalBoot is the 16 bytes of a boot ID, which the kernel writes as a UUID.
func canonicalBoot(id string) string {
	if raw, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(id), "-", "")); err == nil && len(raw) == 16 {
		return string(raw)
	}
	return clone64(id)
}

// clone64 is the beginning of a text: what it is a part of may be large.
func clone64(text string) string { return strings.Clone(text[:min(len(text), 64)]) }
