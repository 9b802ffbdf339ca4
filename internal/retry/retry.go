// Package retry provides what repeated work needs: pauses that grow with each
// failure, a sleep that ends with a context, and hints that there is new work,
// with the time after which it is looked for without one.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff returns the pauses after consecutive failures. The first is up to
// First, and each further one up to twice the one before, but at most Max.
type Backoff struct {
	First, Max time.Duration

	failures int
}

// Next counts a failure and returns the pause after it.
func (b *Backoff) Next() time.Duration {
	b.failures++
	return Pause(b.failures, b.First, b.Max)
}

// Reset lets the pauses start over.
func (b *Backoff) Reset() { b.failures = 0 }

// Pause returns the one after a number of consecutive failures, from 1 on. Half
// of it is random, so that a fleet does not move in step.
func Pause(failures int, first, most time.Duration) time.Duration {
	pause := first
	for ; failures > 1 && 0 < pause && pause < most; failures-- {
		pause *= 2
	}
	pause = max(min(pause, most), 0)
	return pause/2 + rand.N(pause/2+1)
}

// Sleep returns after d, or earlier when ctx ends.
func Sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Anyway is after how long without any hint it is checked whether there is
// something to do. A part waits for hints, which come at once, and has a timer
// of its own only while it knows what is due. This is for hints that got lost:
// it is seldom, because a timer wakes the machine also when there is nothing.
const Anyway = time.Minute

// Hint is a channel of one element, which means "look again". It carries no
// data: hints that have not been received yet are merged into one.
type Hint chan struct{}

// NewHint returns a Hint that is empty.
func NewHint() Hint { return make(Hint, 1) }

// Send adds the element unless it is there. It never blocks.
func (h Hint) Send() {
	select {
	case h <- struct{}{}:
	default:
	}
}
