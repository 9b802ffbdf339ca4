package enable

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// What is wrong is told, also if the last look is cut off by the end of the
// patience.
func TestAwaitTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wrong, looks := errors.New("not in order"), 0
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

// Where nothing else is known, that is what is wrong.
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
