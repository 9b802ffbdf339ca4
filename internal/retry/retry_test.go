package retry_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	b := retry.Backoff{First: time.Second, Max: 5 * time.Second}
	for range 2 {
		for i, full := range []time.Duration{1, 2, 4, 5, 5, 5} {
			full *= time.Second
			if pause := b.Next(); pause < full/2 || pause > full {
				t.Errorf("pause %d is %v, want between %v and %v", i+1, pause, full/2, full)
			}
		}
		b.Reset()
	}
}

func TestPauseBounds(t *testing.T) {
	t.Parallel()
	for _, failures := range []int{math.MinInt, 0, 1, 100, math.MaxInt} {
		if pause := retry.Pause(failures, time.Second, time.Minute); pause < time.Second/2 || pause > time.Minute {
			t.Errorf("after %d failures %v", failures, pause)
		}
	}
	for _, first := range []time.Duration{0, -time.Minute} {
		if pause := retry.Pause(3, first, first); pause != 0 {
			t.Errorf("with a first pause of %v it is %v", first, pause)
		}
	}
}

func TestSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		retry.Sleep(ctx, time.Second)
		if slept := time.Since(start); slept != time.Second {
			t.Errorf("slept for %v, want a second", slept)
		}
		retry.Sleep(ctx, time.Hour)
		if ended := time.Since(start); ended != time.Minute {
			t.Errorf("ended after %v, want with the context after a minute", ended)
		}
	})
}

func TestHint(t *testing.T) {
	t.Parallel()
	hint := retry.NewHint()
	hint.Send()
	hint.Send()
	<-hint
	select {
	case <-hint:
		t.Error("two hints were kept, want one")
	default:
	}
}
