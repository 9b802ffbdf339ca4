package curator

import (
	"time"

	"github.com/nodedns/nodedns/internal/retry"
)

const (
	minDelay = 250 * time.Millisecond
	maxDelay = 10 * time.Second
)

// backoff gives the delays between failed rounds.
type backoff struct{ retry.Backoff }

func newBackoff(longest time.Duration) *backoff {
	return &backoff{retry.Backoff{First: minDelay, Max: longest}}
}

// succeeded takes into account a stream that had its backlog and lasted for
// lived. The delays start over only if that was as long as the longest delay, so
// a curator which breaks down soon after each new stream is asked less and less
// often.
func (b *backoff) succeeded(lived time.Duration) {
	if lived >= b.Max {
		b.Reset()
	}
}
