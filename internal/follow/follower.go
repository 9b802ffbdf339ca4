package follow

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// pollInterval is how often files are looked at without a hint.
	pollInterval = 5 * time.Second
	// deafInterval is how often while not all of them could be watched.
	deafInterval = time.Second
	// quiet is how long nothing must have happened to the files before they
	// are looked at: who overwrites a file in place truncates it first.
	quiet = 50 * time.Millisecond
	// maxDelay is how long that may go on: a file that is written to all the
	// time is looked at nevertheless.
	maxDelay = 500 * time.Millisecond
)

// Follower notices changes of files. The fields must not change while Run is
// running.
type Follower struct {
	// Root is put before every path and is what an absolute symlink starts
	// from; an empty one is "/".
	Root string
	// Files are absolute paths. None of them needs to exist.
	Files []string
	// Logger of what goes wrong; nil discards it.
	Logger *slog.Logger

	poll, deaf time.Duration // other intervals than the usual ones, for tests
}

// Run calls look at once, and again within maxDelay after any of the files may
// have changed, until ctx ends. A change during a call leads to another call.
// Where the kernel gives no hints, it calls look every second instead.
func (f *Follower) Run(ctx context.Context, look func()) {
	h := newHints()
	var wait sync.WaitGroup
	wait.Go(h.take)
	defer wait.Wait()
	defer h.close()
	for deaf := false; ctx.Err() == nil; {
		// In this order: what changes after the watches are set makes a hint,
		// what changed before them is seen now.
		err := h.arm(f.Root, f.Files)
		look()
		if err != nil && !deaf {
			f.warn(err)
		}
		deaf = err != nil
		h.wait(ctx, f.pause(deaf))
	}
}

func (f *Follower) pause(deaf bool) time.Duration {
	if deaf {
		return cmp.Or(f.deaf, deafInterval)
	}
	return cmp.Or(f.poll, pollInterval)
}

func (f *Follower) warn(err error) {
	if f.Logger == nil {
		return
	}
	f.Logger.Warn("the kernel gives no notice of changes to some files; they are looked at from time to time",
		"files", f.Files, "interval", f.pause(true), "error", err)
}
