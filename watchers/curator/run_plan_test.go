package curator

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

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

// After a stream that lasted for as long as the longest pause the next attempt comes
// soon, however many failed before it.
func TestStreamThatLastedResetsThePauses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ lasts, least, most time.Duration }{
		"lasted":          {maxDelay, 0, minDelay},
		"broke down soon": {maxDelay - time.Second, maxDelay / 2, maxDelay},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEmbedded(t)
				attempts := 0
				_, r, stop := watch(t, Config{Dialer: func(ctx context.Context) (grpc.ClientConnInterface, func() error, error) {
					if attempts++; attempts <= 10 {
						return nil, nil, errors.New("no leader yet")
					}
					return e.dial(ctx)
				}})
				defer stop()
				r.awaitCall(t, "complete", 1)
				time.Sleep(test.lasts)
				e.Drop()
				ended := time.Now()
				r.awaitCall(t, "complete", 2)
				if pause := time.Since(ended); pause < test.least || pause > test.most {
					t.Errorf("the next stream came after %v, want %v to %v", pause, test.least, test.most)
				}
			})
		})
	}
}
