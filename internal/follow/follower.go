package follow

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
)

const (
	// remoteInterval is how often files are checked where the kernel does not
	// notify of all changes, and unwatchedInterval where it notifies of none.
	remoteInterval    = 5 * time.Second
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
	// Files are absolute paths, of files or of directories with all that they
	// list. None of them needs to exist.
	Files []string
	// Logger of errors; nil discards them.
	Logger *slog.Logger

	// Again, if not nil, is called after each call of look, and returns how long
	// after it there is to be another one at the latest; 0: that does not matter.
	Again func() time.Duration

	anyway, remote, unwatched time.Duration // other intervals than the usual ones, for tests
}

// Run calls look at once, and again within maxDelay after any of the files may
// have changed, until ctx ends. A change during a call leads to another call.
// What the kernel does not notify of is found by calls without a hint: every
// minute, or more often where that is known.
func (f *Follower) Run(ctx context.Context, look func()) {
	n := newNotifier()
	var wait sync.WaitGroup
	wait.Go(n.receive)
	defer wait.Wait()
	defer n.close()
	for unwatched := false; ctx.Err() == nil; {
		// In this order: what changes after the watches are set makes a hint,
		// what changed before them is seen now.
		all, err := n.rewatch(f.Root, f.Files)
		look()
		if err != nil && !unwatched {
			f.warn(err)
		}
		unwatched = err != nil
		n.wait(ctx, f.pause(all, unwatched))
	}
}

// pause returns how long to wait for a hint.
func (f *Follower) pause(all, unwatched bool) time.Duration {
	pause := cmp.Or(f.remote, remoteInterval)
	switch {
	case unwatched:
		pause = cmp.Or(f.unwatched, unwatchedInterval)
	case all:
		pause = cmp.Or(f.anyway, retry.Anyway)
	}
	if f.Again != nil {
		if again := f.Again(); again > 0 {
			return min(pause, again)
		}
	}
	return pause
}

func (f *Follower) warn(err error) {
	if f.Logger == nil {
		return
	}
	f.Logger.Warn("the kernel gives no notice of changes to some files; they are looked at from time to time",
		"files", f.Files, "interval", cmp.Or(f.unwatched, unwatchedInterval), "error", err)
}
