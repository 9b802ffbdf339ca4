package follow

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// pollInterval is how often files are checked without a hint.
	pollInterval = 5 * time.Second
	// unwatchedInterval is how often while not all of them could be watched.
	unwatchedInterval = time.Second
	// debounce is how long nothing must have happened to the files before they
	// are checked: overwriting a file in place begins by truncating it.
	debounce = 50 * time.Millisecond
	// maxDelay is how long that may go on: a file that is written to all the
	// time is checked nevertheless.
	maxDelay = 500 * time.Millisecond
)

// Follower detects changes of files. The fields must not change while Run is
// running.
type Follower struct {
	// Root is put before every path and is what an absolute symlink starts
	// from; an empty one is "/".
	Root string
	// Files are absolute paths. None of them needs to exist.
	Files []string
	// Logger of errors; nil discards them.
	Logger *slog.Logger

	poll, unwatched time.Duration // other intervals than the usual ones, for tests
}

// Run calls look at once, and again within maxDelay after any of the files may
// have changed, until ctx ends. A change during a call leads to another call.
// Where the kernel gives no hints, it calls look every second instead.
func (f *Follower) Run(ctx context.Context, look func()) {
	n := newNotifier()
	var wait sync.WaitGroup
	wait.Go(n.receive)
	defer wait.Wait()
	defer n.close()
	for unwatched := false; ctx.Err() == nil; {
		// In this order: what changes after the watches are set makes a hint,
		// what changed before them is seen now.
		err := n.rewatch(f.Root, f.Files)
		look()
		if err != nil && !unwatched {
			f.warn(err)
		}
		unwatched = err != nil
		n.wait(ctx, f.pause(unwatched))
	}
}

func (f *Follower) pause(unwatched bool) time.Duration {
	if unwatched {
		return cmp.Or(f.unwatched, unwatchedInterval)
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
