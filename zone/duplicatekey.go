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
	// is remembered, and duplicateFor how long a conflict lasts after the last sign
	// of it.
	turnsFor     = time.Hour
	duplicateFor = 10 * time.Minute
	// maxPast bounds the former addresses of ours that are remembered.
	maxPast = 16
)

// DuplicateKey says that another machine has this node's key, and so its ID.
type DuplicateKey struct {
	Since  time.Time
	Reason string
}

// DuplicateKey returns the present one, if there is any.
func (s *Snapshot) DuplicateKey() (DuplicateKey, bool) {
	if s.duplicate == nil {
		return DuplicateKey{}, false
	}
	return *s.duplicate, true
}

// report is what the cluster has of our own node, as a machine reported it.
type report struct {
	boot string
	addr string
}

// duplicateKeyDetector looks for another machine with our key in what the cluster says of us.
// The cluster keeps the last report for ever, that of our previous boot too, and
// the time in it is the leader's. So a report that was there when a stream began
// tells nothing, whether after a start of ours or with another leader, which may
// have been restored from old data. Only one that comes later tells that a
// machine is alive which made it.
type duplicateKeyDetector struct {
	boot    string // ours; empty where it is not known
	heard   bool   // a report, in the present backlog of its source or since
	by      *Source
	last    report
	before  string          // the address before the last one
	turns   []time.Duration // clock at each return to it
	past    []netip.Addr    // addresses that were ours
	sign    time.Duration   // clock at the last sign of another machine
	foreign bool            // the last report is not of our boot
}

// begin says that what a source has of us now was there before.
func (d *duplicateKeyDetector) begin(src *Source) {
	if src == d.by {
		d.heard, d.before = false, ""
	}
}

// observeSelf judges what the cluster says of our own node. A report with our own
// boot ID is ours, whatever its address: behind address translation, or with two
// uplinks, that may go back and forth.
func (s *Store) observeSelf(src *Source, e *Entry) {
	d := &s.detector
	said := report{canonicalBoot(e.BootID), reportedAddrs(e.Addresses)}
	if said == (report{}) || d.heard && said == d.last {
		return
	}
	first, ours := !d.heard, d.boot != "" && said.boot == d.boot
	d.foreign = d.boot != "" && said.boot != "" && !ours
	returned := !first && s.returns(said.addr, !ours)
	reason := ""
	switch {
	case first:
	case d.foreign:
		reason = fmt.Sprintf("a machine of boot ID %s at %s reports itself as this node, whose boot ID is %s",
			hex.EncodeToString([]byte(said.boot)), cmp.Or(said.addr, "no address"), hex.EncodeToString([]byte(d.boot)))
	case returned:
		reason = fmt.Sprintf("the cluster's address of this node alternates between %s and %s", d.last.addr, said.addr)
	}
	d.heard, d.by, d.last = true, src, said
	if reason == "" {
		return
	}
	d.sign = s.clock()
	c := DuplicateKey{s.now(), reason}
	if s.draft.duplicate != nil {
		c.Since = s.draft.duplicate.Since
	}
	if s.draft.duplicate == nil || *s.draft.duplicate != c {
		s.draft.duplicate = &c
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
	d := &s.detector
	if addr == "" || addr == d.last.addr {
		return false
	}
	now := s.clock()
	d.turns = slices.DeleteFunc(d.turns, func(at time.Duration) bool { return now-at > turnsFor })
	returned := counts && addr == d.before && s.wasOurs(addr) != s.wasOurs(d.last.addr)
	d.before = d.last.addr
	if returned {
		d.turns = append(d.turns, now)
		d.turns = d.turns[max(0, len(d.turns)-2):]
	}
	return returned && len(d.turns) == 2
}

func (s *Store) wasOurs(text string) bool {
	addr, err := netip.ParseAddr(text)
	return err == nil && (s.isOurs(addr) || slices.Contains(s.detector.past, addr))
}

// remember keeps the addresses that we have now for when we have others. The
// last ones come last.
func (d *duplicateKeyDetector) remember(addrs []netip.Addr) {
	d.past = slices.DeleteFunc(d.past, func(addr netip.Addr) bool { return slices.Contains(addrs, addr) })
	d.past = append(d.past, addrs...)
	d.past = d.past[max(0, len(d.past)-maxPast):]
}

// endDuplicate takes the conflict back when there has been no sign of it for a
// while.
func (s *Store) endDuplicate() {
	s.update(func() {
		if d := &s.detector; s.draft.duplicate != nil && !d.foreign && s.clock()-d.sign >= duplicateFor {
			s.draft.duplicate = nil
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
