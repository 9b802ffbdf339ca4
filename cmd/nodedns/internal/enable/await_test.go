package enable

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// The cause is returned, also if the last attempt is cut off by the timeout.
func TestAwaitReturnsCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wrong, looks := errors.New("not applied"), 0
		err := await(t.Context(), time.Second, func(ctx context.Context) error {
			if looks++; looks == 1 {
				return wrong
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, wrong) || looks != 2 {
			t.Errorf("got %v after %d looks", err, looks)
		}
	})
}

// Where nothing else is known, the timeout is the cause.
func TestAwaitIsCutOffAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		err := await(t.Context(), time.Second, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
