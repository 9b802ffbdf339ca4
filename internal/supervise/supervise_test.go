package supervise

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPausesGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Time
		broken := &Task{Name: "broken", Run: func(context.Context) error {
			starts = append(starts, time.Now())
			return errors.New("broken")
		}}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		broken.Supervise(ctx, slog.New(slog.DiscardHandler))
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

// The pause after a run that was healthy is a first one again.
func TestAHealthyRunResetsThePauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const failures = 10
		var ended time.Time
		runs := 0
		task := &Task{Name: "late", Run: func(context.Context) error {
			switch runs++; {
			case runs == failures:
				time.Sleep(healthyRun)
				ended = time.Now()
			case runs == failures+1:
				if pause := time.Since(ended); pause > firstPause {
					t.Errorf("pause after a healthy run: %v, want at most %v", pause, firstPause)
				}
			}
			return errors.New("broken")
		}}
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
		defer stop()
		task.Supervise(ctx, slog.New(slog.DiscardHandler))
		if runs <= failures {
			t.Errorf("%d runs", runs)
		}
	})
}

func TestSameFailureIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		broken := &Task{Name: "broken", Run: func(context.Context) error { return errors.New("broken") }}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		broken.Supervise(ctx, slog.New(slog.NewTextHandler(&logged, nil)))
		if got := strings.Count(logged.String(), `msg="task failed, restarting" task=broken`); got != 1 {
			t.Errorf("logged %d times, want once:\n%s", got, logged.String())
		}
	})
}

func TestErrorDuringShutdown(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want int
	}{{nil, 0}, {context.Canceled, 0}, {errors.New("file not written"), 1}} {
		var logged bytes.Buffer
		ctx, stop := context.WithCancel(t.Context())
		stop()
		task := &Task{Name: "files", Run: func(context.Context) error { return tt.err }}
		task.Supervise(ctx, slog.New(slog.NewTextHandler(&logged, nil)))
		if got := strings.Count(logged.String(), `msg="error during shutdown" task=files`); got != tt.want {
			t.Errorf("%v is logged %d times, want %d:\n%s", tt.err, got, tt.want, logged.String())
		}
	}
}

func TestFailureShowsDuringThePause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		runs := 0
		task := &Task{Name: "once", Run: func(ctx context.Context) error {
			if runs++; runs == 1 {
				return broken
			}
			<-ctx.Done()
			return nil
		}}
		ctx, stop := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() { task.Supervise(ctx, slog.New(slog.DiscardHandler)) })
		synctest.Wait()
		if !errors.Is(task.Err(), broken) {
			t.Errorf("during the pause: %v", task.Err())
		}
		time.Sleep(firstPause)
		synctest.Wait()
		if task.Err() != nil || runs != 2 || task.Failures() != 1 {
			t.Errorf("after it: %v after %d runs and %d failures", task.Err(), runs, task.Failures())
		}
		task.Restart()
		synctest.Wait()
		if runs != 3 {
			t.Errorf("%d runs after a restart, want 3", runs)
		}
		stop()
		wait.Wait()
	})
}
