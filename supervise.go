package nodedns

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// firstPause is how long a task that failed rests before it is run again;
	// each further failure doubles it up to maxPause.
	firstPause = 250 * time.Millisecond
	maxPause   = 10 * time.Second
	// healthyRun is how long a task must have run for its next failure to
	// count as a first one.
	healthyRun = 30 * time.Second
)

// task is a part of the service that runs until it fails, and is then run
// again, alone.
type task struct {
	name string
	run  func(context.Context) error

	logged string // the last failure that was told

	mu     sync.Mutex
	err    error              // of the last run, while the pause after it lasts
	failed uint64             // how often
	cancel context.CancelFunc // ends the present run or pause
}

// supervise runs the task until ctx ends, and at least once: some tasks have
// work to do at the end.
func (t *task) supervise(ctx context.Context, log *slog.Logger) {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		started := time.Now()
		turn := t.begin(ctx)
		err := t.run(turn)
		if turn.Err() != nil && err != nil && !errors.Is(err, context.Canceled) {
			log.Error("failed while ending", "task", t.name, "error", err)
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(started) >= healthyRun || turn.Err() != nil {
			pause = firstPause
		}
		if turn.Err() == nil {
			t.rest(turn, log, pause, err)
		}
	}
}

// rest is the pause after a failure. Half of it is random, so that a fleet does
// not move in step.
func (t *task) rest(ctx context.Context, log *slog.Logger, pause time.Duration, err error) {
	if err == nil {
		err = errors.New("ended by itself")
	}
	pause = pause/2 + rand.N(pause/2)
	level := slog.LevelError
	if t.logged == err.Error() {
		level = slog.LevelDebug // it was told, and is in the status
	}
	t.logged = err.Error()
	log.Log(ctx, level, "failed, running again after a pause", "task", t.name, "error", err, "pause", pause.Round(time.Millisecond))
	t.set(err)
	sleep(ctx, pause)
	t.set(nil)
}

// begin returns the context of one run and the pause after it.
func (t *task) begin(ctx context.Context) context.Context {
	turn, cancel := context.WithCancel(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cancel != nil {
		t.cancel()
	}
	t.cancel = cancel
	return turn
}

// again ends the present run, or the pause after it, and has the task run anew.
func (t *task) again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cancel != nil {
		t.cancel()
	}
}

func (t *task) set(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
	if err != nil {
		t.failed++
	}
}

// TaskStatus is a part of the service that is run again when it fails.
type TaskStatus struct {
	Name     string
	Failures uint64 // so far
}

func (t *task) status() TaskStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	return TaskStatus{Name: t.name, Failures: t.failed}
}

// failure is why the task does not run now, or nil.
func (t *task) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
