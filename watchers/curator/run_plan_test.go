package curator

import (
	"testing"

	"github.com/nodedns/nodedns/internal/retry"
)

// A stream that broke down soon does not shorten the pauses, one that lasted does.
func TestResetAfter(t *testing.T) {
	t.Parallel()
	b := retry.Backoff{First: minDelay, Max: maxDelay}
	for range 10 {
		b.Next()
	}
	resetAfter(&b, maxDelay-1)
	if d := b.Next(); d < maxDelay/2 {
		t.Errorf("a stream that broke down soon made the pause %v", d)
	}
	resetAfter(&b, maxDelay)
	if d := b.Next(); d > minDelay {
		t.Errorf("a stream that lasted made the pause %v", d)
	}
}
