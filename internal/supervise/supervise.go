// Package supervise runs a task of the service until it fails, and restarts it
// alone, after a pause.
package supervise

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
)

const (
	// firstPause is the longest pause after a failure; each further failure
	// doubles it up to maxPause.
	firstPause = 250 * time.Millisecond
	maxPause   = 10 * time.Second
	// healthyRun is how long a task must have run for its next failure to
	// count as a first one.
	healthyRun = 30 * time.Second
)

// Task is a part of the service. Its methods may be called concurrently, but only
// one Supervise that is running.
type Task struct {
	Name string
	// Run works until its context ends. It is called again after any other end.
	Run func(context.Context) error

	logged string // the last failure that was logged

	mu     sync.Mutex
	err    error              // of the last run, during the pause after it
	failed uint64             // how often
	cancel context.CancelFunc // ends the present run or pause
}

// Supervise runs the task until ctx ends, and at least once: some tasks have
// work to do at the end.
func (t *Task) Supervise(ctx context.Context, log *slog.Logger) {
	log = log.With("task", t.Name)
	pauses := retry.Backoff{First: firstPause, Max: maxPause}
	for {
		started := time.Now()
		turn := t.begin(ctx)
		err := t.Run(turn)
		if turn.Err() != nil && err != nil && !errors.Is(err, context.Canceled) {
			log.Error("error during shutdown", "error", err)
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(started) >= healthyRun || turn.Err() != nil {
			pauses.Reset()
		}
		if turn.Err() == nil {
			t.pause(turn, log, pauses.Next(), err)
		}
	}
}

// pause is the one after a failure.
func (t *Task) pause(ctx context.Context, log *slog.Logger, d time.Duration, err error) {
	if err == nil {
		err = errors.New("ended by itself")
	}
	level := slog.LevelError
	if t.logged == err.Error() {
		level = slog.LevelDebug // it was logged, and is in the status
	}
	t.logged = err.Error()
	log.Log(ctx, level, "task failed, restarting", "error", err, "pause", d.Round(time.Millisecond))
	t.set(err)
	retry.Sleep(ctx, d)
	t.set(nil)
}

// begin returns the context of one run and the pause after it.
func (t *Task) begin(ctx context.Context) context.Context {
	turn, cancel := context.WithCancel(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cancel != nil {
		t.cancel()
	}
	t.cancel = cancel
	return turn
}

// Restart ends the present run, or the pause after it, and has the task run
// again.
func (t *Task) Restart() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cancel != nil {
		t.cancel()
	}
}

func (t *Task) set(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
	if err != nil {
		t.failed++
	}
}

// Failures returns how often the task has failed so far.
func (t *Task) Failures() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// Err returns why the task does not run now, or nil.
func (t *Task) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}
