package upstream

import (
	"slices"
	"time"
)

const (
	// unknownInterval is how long a server of which nothing is known may be
	// silent before the next is queried: long enough for most, short enough
	// that a dead first server costs less than 300 ms.
	unknownInterval = 200 * time.Millisecond
	// minInterval keeps small variations near zero from causing repetitions.
	minInterval = 100 * time.Millisecond
	maxInterval = time.Second
	// maxHedge bounds the wait for a server that is usually slow, as far as
	// the budget allows.
	maxHedge = 250 * time.Millisecond
	minHedge = 20 * time.Millisecond

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

func (e *estimate) add(sample time.Duration) {
	if e.samples == 0 {
		e.smoothed, e.variation = sample, sample/2
	} else {
		e.variation += ((e.smoothed - sample).Abs() - e.variation) / 4
		e.smoothed += (sample - e.smoothed) / 8
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

// interval is how long to wait for a reply before it counts as lost.
func (e *estimate) interval() time.Duration {
	if e.samples == 0 {
		return unknownInterval
	}
	return min(max(e.smoothed+4*e.variation, minInterval), maxInterval)
}

// hedge is after how long to query a second server too. It is not later than
// interval.
func (e *estimate) hedge() time.Duration {
	limit := min(e.interval(), maxHedge)
	if e.p95 == 0 {
		return limit
	}
	return min(max(e.p95, minHedge), limit)
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
