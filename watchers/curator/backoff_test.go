package curator

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	var b backoff
	for _, full := range []time.Duration{1, 2, 4, 8, 16, 32, 40, 40, 40} {
		full *= minDelay
		if d := b.next(); d < full/2 || d > full {
			t.Errorf("delay %v, want between %v and %v", d, full/2, full)
		}
	}
	b.succeeded(maxDelay - 1)
	if d := b.next(); d < maxDelay/2 {
		t.Errorf("a stream that broke down soon made the delay %v", d)
	}
	b.succeeded(maxDelay)
	if d := b.next(); d > minDelay {
		t.Errorf("a stream that lasted made the delay %v", d)
	}
	b.succeeded(time.Millisecond)
	if d := b.next(); d < minDelay {
		t.Errorf("a stream that broke down at once made the delay %v", d)
	}
	b.succeeded(5 * minDelay)
	if d := b.next(); d < 2*minDelay {
		t.Errorf("a stream that broke down a little later made the delay %v", d)
	}
}
