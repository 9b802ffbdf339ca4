package curator

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"
)

const (
	minDelay = 250 * time.Millisecond
	maxDelay = 10 * time.Second
)

// backoff gives the delays between failed rounds. The zero value is ready.
type backoff struct {
	delay time.Duration
	most  time.Duration // the longest delay; 0 means maxDelay
}

// next doubles the delay, and returns between half and all of it: nodes that
// lost the same curator at the same moment must not come back together.
func (b *backoff) next() time.Duration {
	b.delay = min(max(2*b.delay, minDelay), b.longest())
	return b.delay/2 + rand.N(b.delay/2)
}

// longest is the longest delay.
func (b *backoff) longest() time.Duration { return cmp.Or(b.most, maxDelay) }

// succeeded hears of a stream that had its backlog and lasted for lived. The
// delays start over only if that was as long as the longest delay, so a curator
// which breaks down soon after each new stream is asked less and less often.
func (b *backoff) succeeded(lived time.Duration) {
	if lived >= b.longest() {
		b.reset()
	}
}

// reset lets the delays start over.
func (b *backoff) reset() { b.delay = 0 }

// sleep returns early when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
