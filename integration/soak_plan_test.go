package integration

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// soakSubject is what a fault happens to: one of the nodes, curators, upstreams,
// or of the guests, which are nodes of the cluster that only the curators know.
type soakSubject struct {
	class string
	index int
}

func (s soakSubject) String() string { return fmt.Sprintf("%s %d", s.class, s.index) }

// soakFault is something that happens once, or that lasts.
type soakFault struct {
	kind  *soakKind
	on    soakSubject
	param int           // varies the fault, where it can be varied
	at    time.Duration // since the begin of the round
	lasts time.Duration // 0: it is over at once
}

func (f soakFault) String() string {
	return fmt.Sprintf("%v %s (%d) at %v for %v", f.on, f.kind.name, f.param, f.at.Round(time.Millisecond), f.lasts.Round(time.Millisecond))
}

// soakKind is a kind of fault.
type soakKind struct {
	name  string
	class string // of its subjects
	// only is the one subject that it can happen to, by its index; 0: all can.
	only  int
	begin func(s *soak, index, param int)
	end   func(s *soak, index int) // nil for what does not last
}

// soakSize is how many subjects there are of each class.
type soakSize map[string]int

const (
	soakRound     = 30 * time.Second // of faults
	soakGap       = 2 * time.Second  // between the begins of two, at most
	soakShortest  = time.Second      // of a fault that lasts
	soakLongest   = 18 * time.Second // a partition takes 15 s to be noticed
	soakRecovery  = time.Second      // of a subject, before the next fault
	soakVariation = 1 << 16
)

// planRound chooses the faults of a round, by their begins. Each subject has one at
// a time, and all end with the round.
func planRound(random *rand.Rand, size soakSize) (faults []soakFault) {
	free := map[soakSubject]time.Duration{} // when a subject can have the next one
	for at := time.Duration(0); at < soakRound-soakLongest; at += time.Duration(random.Int64N(int64(soakGap))) {
		kind := soakKinds[random.IntN(len(soakKinds))]
		f := soakFault{kind: kind, on: soakSubject{kind.class, random.IntN(size[kind.class])}, param: random.IntN(soakVariation), at: at}
		if kind.only > 0 {
			f.on.index = kind.only
		}
		if kind.end != nil {
			share := random.Float64() // most are short
			f.lasts = soakShortest + time.Duration(share*share*share*float64(soakLongest-soakShortest))
		}
		if free[f.on] > at {
			continue
		}
		free[f.on] = at + f.lasts + soakRecovery
		faults = append(faults, f)
	}
	return faults
}

// soakEvent is the begin or the end of a fault.
type soakEvent struct {
	at  time.Duration
	do  func(s *soak)
	end bool
	of  soakFault
}

func eventsOf(faults []soakFault) (events []soakEvent) {
	for _, f := range faults {
		events = append(events, soakEvent{f.at, func(s *soak) { f.kind.begin(s, f.on.index, f.param) }, false, f})
		if f.kind.end != nil {
			events = append(events, soakEvent{f.at + f.lasts, func(s *soak) { f.kind.end(s, f.on.index) }, true, f})
		}
	}
	slices.SortStableFunc(events, func(a, b soakEvent) int { return cmp.Compare(a.at, b.at) })
	return events
}

// carryOut has the faults happen. Where one takes longer than planned the next ones
// are late, and in the same order.
func (s *soak) carryOut(faults []soakFault) {
	s.rounds++
	begun := time.Now()
	for _, e := range eventsOf(faults) {
		for time.Since(begun) < e.at {
			s.flush()
			time.Sleep(min(soakFlush, max(e.at-time.Since(begun), 0)))
		}
		s.trace(e)
		e.do(s)
	}
}

// One seed is one sequence of faults, and no subject has two concurrently.
func TestSoakPlan(t *testing.T) {
	t.Parallel()
	size := soakSize{"node": 8, "curator": 3, "upstream": 4, "guest": 4}
	rounds := func(seed uint64) (all [][]soakFault) {
		random := rand.New(rand.NewPCG(seed, 0))
		for range 50 {
			all = append(all, planRound(random, size))
		}
		return all
	}
	first, second, other := rounds(1), rounds(1), rounds(2)
	if fmt.Sprint(first) != fmt.Sprint(second) {
		t.Error("one seed gives two sequences of faults")
	}
	if fmt.Sprint(first) == fmt.Sprint(other) {
		t.Error("two seeds give one sequence of faults")
	}
	happened := map[string]int{}
	for _, faults := range first {
		until := map[soakSubject]time.Duration{}
		for _, f := range faults {
			happened[f.kind.name]++
			if f.at < until[f.on] || f.on.index >= size[f.on.class] {
				t.Errorf("%v: the subject has another fault until %v", f, until[f.on])
			}
			until[f.on] = f.at + f.lasts
			if until[f.on] > soakRound {
				t.Errorf("%v: it outlasts its round", f)
			}
		}
	}
	for _, kind := range soakKinds {
		if happened[kind.name] == 0 {
			t.Errorf("%s never happens", kind.name)
		}
	}
}
