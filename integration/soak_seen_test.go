package integration

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// soakSeen is what has been seen. Its methods may be called concurrently; what comes
// last is the test's own.
type soakSeen struct {
	queries, looks, lookups atomic.Int64

	mu       sync.Mutex
	answers  map[string]int
	faults   map[string]int
	waits    [32]int // by the logarithm of the microseconds
	longest  map[string]time.Duration
	lost     map[*soakNode][]time.Time
	killed   int // queries that a killed daemon had read
	dropped  int // queries that the kernel dropped
	failures []string
	failed   int

	leaders   int           // rounds after which another curator led
	agreement time.Duration // the longest time until all agreed
	lasting   bool          // they never did
}

// soakTimes are moments. Its methods may be called concurrently.
type soakTimes struct {
	mu  sync.Mutex
	all []time.Time
}

func (t *soakTimes) add() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, time.Now())
}

// soonAfter reports whether one of them is soon after a query was sent.
func (t *soakTimes) soonAfter(sent time.Time) bool {
	const atMost = 5 * time.Second // no query takes longer
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.all, func(at time.Time) bool {
		passed := at.Sub(sent)
		return passed > -soakBatch && passed < atMost
	})
}

func (s *soakSeen) answer(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	count(&s.answers, kind)
}

func count(counts *map[string]int, what string) {
	if *counts == nil {
		*counts = map[string]int{}
	}
	(*counts)[what]++
}

func (s *soakSeen) wait(n *soakNode, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket := 0
	for limit := time.Microsecond; limit < took && bucket < len(s.waits)-1; limit *= 2 {
		bucket++
	}
	s.waits[bucket]++
	if s.longest == nil {
		s.longest = map[string]time.Duration{}
	}
	s.longest[n.name] = max(s.longest[n.name], took)
}

// within is the time within which that share of the answers came, or a little more.
func (s *soakSeen) within(share float64) time.Duration {
	total, passed := 0, 0
	for _, n := range s.waits {
		total += n
	}
	limit := time.Microsecond
	for _, n := range s.waits {
		if passed += n; float64(passed) >= share*float64(total) {
			break
		}
		limit *= 2
	}
	return limit
}

func (s *soakSeen) lose(n *soakNode, sent time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost == nil {
		s.lost = map[*soakNode][]time.Time{}
	}
	if n.kills.soonAfter(sent) {
		s.killed++
		return
	}
	s.lost[n] = append(s.lost[n], sent)
}

// excuse takes the queries that the kernel dropped, as while a daemon was frozen,
// from those that were lost, and returns the others.
func (s *soakSeen) excuse(n *soakNode) (lost []time.Time) {
	drops := int(n.drops() + n.udpDrops(func(_, remote string) bool { return remote == "3500007F:0035" }))
	s.mu.Lock()
	defer s.mu.Unlock()
	excused := min(drops, len(s.lost[n]))
	s.dropped += excused
	if s.lost[n] != nil {
		s.lost[n] = s.lost[n][excused:]
	}
	return s.lost[n]
}

// soakFailures is how many failures are shown.
const soakFailures = 50

// fail notes what must not be.
func (s *soak) fail(format string, args ...any) {
	text := fmt.Sprintf("%v: ", s.passed()) + fmt.Sprintf(format, args...)
	if during := s.current.Load(); during != nil {
		text += "\n(last fault: " + *during + ")"
	}
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	if s.seen.failed++; s.seen.failed <= soakFailures {
		s.seen.failures = append(s.seen.failures, text)
		s.t.Error(text)
	}
}

// broken reports whether to go on makes no sense.
func (s *soak) broken() bool {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	return s.seen.lasting || s.seen.failed > soakFailures
}

// passed is the time since the begin.
func (s *soak) passed() time.Duration { return time.Since(s.begun).Round(time.Millisecond) }

func (s *soak) trace(e soakEvent) {
	what := "begins"
	if e.end {
		what = "ends"
	}
	text := fmt.Sprintf("round %d: %v %s", s.rounds, e.of, what)
	s.current.Store(&text)
	s.t.Logf("%v: %s", s.passed(), text)
	if e.end {
		return
	}
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	count(&s.seen.faults, e.of.on.class+" "+e.of.kind.name)
}

// sorted are the names of counts.
func sorted[V any](counts map[string]V) []string { return slices.Sorted(maps.Keys(counts)) }
