package curator

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	b := newBackoff(maxDelay)
	for range 10 {
		b.Next()
	}
	b.succeeded(maxDelay - 1)
	if d := b.Next(); d < maxDelay/2 {
		t.Errorf("a stream that broke down soon made the delay %v", d)
	}
	b.succeeded(maxDelay)
	if d := b.Next(); d > minDelay {
		t.Errorf("a stream that lasted made the delay %v", d)
	}
	b.succeeded(time.Millisecond)
	if d := b.Next(); d < minDelay {
		t.Errorf("a stream that broke down at once made the delay %v", d)
	}
	b.succeeded(5 * minDelay)
	if d := b.Next(); d < 2*minDelay {
		t.Errorf("a stream that broke down a little later made the delay %v", d)
	}
}
