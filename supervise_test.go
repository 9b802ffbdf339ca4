package nodedns

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTaskRestsLongerAndLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Time
		broken := &task{name: "broken", run: func(context.Context) error {
			starts = append(starts, time.Now())
			return errors.New("broken")
		}}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		broken.supervise(ctx, slog.New(slog.DiscardHandler))
		last := firstPause
		for i := range starts[2:] { // the last run is that at the end of ctx
			pause := starts[i+1].Sub(starts[i])
			if pause < last/2 || pause > last {
				t.Errorf("pause %d is %v, want within %v and %v", i, pause, last/2, last)
			}
			last = min(2*last, maxPause)
		}
		if len(starts) < 8 {
			t.Errorf("run %d times in a minute", len(starts))
		}
	})
}

func TestTaskLogsAFailureOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged logbook
		broken := &task{name: "broken", run: func(context.Context) error { return errors.New("broken") }}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		broken.supervise(ctx, slog.New(slog.NewTextHandler(&logged, nil)))
		if got := logged.count("running again after a pause"); got != 1 {
			t.Errorf("logged %d times, want once:\n%s", got, logged.String())
		}
	})
}

func TestTaskShowsItsFailureWhileItRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		runs := 0
		tk := &task{name: "once", run: func(ctx context.Context) error {
			if runs++; runs == 1 {
				return broken
			}
			<-ctx.Done()
			return nil
		}}
		ctx, stop := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() { tk.supervise(ctx, slog.New(slog.DiscardHandler)) })
		synctest.Wait()
		if !errors.Is(tk.failure(), broken) {
			t.Errorf("while it rests: %v", tk.failure())
		}
		time.Sleep(firstPause)
		synctest.Wait()
		if got := (TaskStatus{Name: "once", Failures: 1}); tk.status() != got {
			t.Errorf("while it runs again: %+v, want %+v", tk.status(), got)
		}
		if tk.failure() != nil || runs != 2 {
			t.Errorf("while it runs again: %v after %d runs", tk.failure(), runs)
		}
		tk.again()
		synctest.Wait()
		if runs != 3 {
			t.Errorf("%d runs after again, want 3", runs)
		}
		stop()
		wait.Wait()
	})
}
