package upstream

import (
	"slices"
	"time"
)

const (
	// unknownDeadline is how long a server of which nothing is known may take
	// before the next one counts.
	unknownDeadline = 400 * time.Millisecond
	// minDeadline keeps small variations near zero from counting.
	minDeadline = 100 * time.Millisecond
	maxDeadline = time.Second
	// granularity is what even a steady server's times differ by.
	granularity = 10 * time.Millisecond

	recent  = 64 // samples from which the p95 is computed
	enough  = 16 // of them are enough for a p95
	refresh = 8  // samples after which it is computed again
)

// estimate is what is known about a server's speed. A sample is the time to
// any reply, so it covers the server's own work too.
type estimate struct {
	smoothed, variation time.Duration // RFC 6298, section 2
	samples             int
	ring                [recent]time.Duration
	p95                 time.Duration // 0: not known
}

// add records a sample. One beyond the deadline counts as one that just reaches
// it: what is slow is most often the name, and not the server.
func (e *estimate) add(sample time.Duration) {
	counted := min(sample, e.deadline())
	if e.samples == 0 {
		e.smoothed, e.variation = counted, counted/2
	} else {
		e.variation += ((e.smoothed - counted).Abs() - e.variation) / 4
		e.smoothed += (counted - e.smoothed) / 8
	}
	e.ring[e.samples%recent] = sample
	e.samples++
	if e.samples >= enough && e.samples%refresh == 0 {
		sorted := e.ring
		known := sorted[:min(e.samples, recent)]
		slices.Sort(known)
		e.p95 = known[len(known)*95/100]
	}
}

// deadline is how long the server may take before it is late: twice what it
// takes at most by RFC 6298, so that a repeated query has as much as the first.
func (e *estimate) deadline() time.Duration {
	if e.samples == 0 {
		return unknownDeadline
	}
	return min(max(2*(e.smoothed+max(4*e.variation, granularity)), minDeadline), maxDeadline)
}

// latencyBounds are the upper bounds of a histogram's buckets.
var latencyBounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond,
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 4 * time.Second,
}

// Latency is a histogram of the times to a reply, since the start.
type Latency struct {
	// Counts are of replies within each bound but not the one before, and
	// last of those beyond all.
	Counts [len(latencyBounds) + 1]uint64
	// Sum of all times.
	Sum time.Duration
}

// Bounds are the buckets' upper bounds, ascending.
func (Latency) Bounds() []time.Duration { return slices.Clone(latencyBounds[:]) }

func (l *Latency) add(sample time.Duration) {
	i, _ := slices.BinarySearch(latencyBounds[:], sample)
	l.Counts[i]++
	l.Sum += sample
}
