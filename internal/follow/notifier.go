package follow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/retry"
)

// maxRounds is how often in a row watches are set because a path leads
// elsewhere by now.
const maxRounds = 3

// notifier receives the kernel's notifications about some files.
type notifier struct {
	notify  *fsnotify.Watcher      // nil where the kernel gives none
	watches watches                // those of notify
	failed  error                  // why it gives none
	held    map[string]identity    // what was watched, by path
	wanted  atomic.Pointer[survey] // which notifications are hints
	given   retry.Hint
}

// watches are the kernel's, by path. One is lost with what it was for.
type watches interface {
	Add(path string) error
	Remove(path string) error
	WatchList() []string
}

func newNotifier() *notifier {
	n := &notifier{held: map[string]identity{}, given: retry.NewHint()}
	n.wanted.Store(&survey{})
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		// Most often it is fs.inotify.max_user_instances that is used up.
		n.failed = fmt.Errorf("inotify: %w", err)
		return n
	}
	n.notify, n.watches = notify, notify
	return n
}

// rewatch sets the watches that are missing, gives up those that are not needed
// any more, and leaves the others: while nothing changes it changes nothing,
// since each watch that goes is a notification. It reports whether the kernel
// notifies of all changes from now on, with an error if something can't be
// watched.
func (n *notifier) rewatch(root string, files []string) (all bool, err error) {
	if n.notify == nil {
		return false, n.failed
	}
	found := surveyOf(root, files)
	for range maxRounds {
		err := n.watch(found)
		// What changed on the way before it was watched gave no hint.
		now := surveyOf(root, files)
		if now.equal(found) {
			return err == nil && found.local(), err
		}
		found = now
	}
	return false, errors.New("the paths change faster than they can be followed")
}

// watch has the watches be those that were found to be needed. The error is about
// directories that can't be watched.
func (n *notifier) watch(found survey) error {
	n.wanted.Store(&found) // first, or the first notifications would match nothing
	alive := n.watches.WatchList()
	for path, watched := range n.held {
		if p, wanted := found.places[path]; !wanted || p.identity != watched || !slices.Contains(alive, path) {
			_ = n.watches.Remove(path) // it is gone with its directory, at worst
			delete(n.held, path)
		}
	}
	var errs []error
	for path, p := range found.places {
		if _, held := n.held[path]; held {
			continue
		}
		switch err := n.watches.Add(path); {
		case err == nil:
			n.held[path] = p.identity
		case p.needed, errors.Is(err, unix.ENOSPC): // max_user_watches is used up
			errs = append(errs, fmt.Errorf("watch %s: %w", path, err))
		}
	}
	return errors.Join(errs...)
}

// wait returns a little after the next hint, after a pause, or when ctx ends.
func (n *notifier) wait(ctx context.Context, pause time.Duration) {
	if !n.next(ctx, pause) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, maxDelay)
	defer cancel()
	for n.next(ctx, debounce) {
	}
}

// next waits for a hint, and reports whether there was one before the time was
// over or ctx ended.
func (n *notifier) next(ctx context.Context, atMost time.Duration) bool {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return false
	case <-n.given:
		return true
	}
}

// receive takes the kernel's notifications until close. It must not wait for
// anything: fsnotify may hold a lock while it hands one over, and rewatch needs
// that lock.
func (n *notifier) receive() {
	if n.notify == nil {
		return
	}
	for {
		select {
		case e, open := <-n.notify.Events:
			if !open {
				return
			}
			if n.wanted.Load().concerns(e.Name) {
				n.given.Send()
			}
		case _, open := <-n.notify.Errors:
			if !open {
				return
			}
			n.given.Send() // notifications were lost: any of them may have been ours
		}
	}
}

// close ends receive.
func (n *notifier) close() {
	if n.notify != nil {
		_ = n.notify.Close() // nothing can be lost with it
	}
}
