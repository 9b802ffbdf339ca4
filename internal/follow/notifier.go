package follow

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/internal/retry"
)

// maxRounds is how often in a row watches are set because a path leads
// elsewhere by now.
const maxRounds = 3

// notifier receives the kernel's notifications about some files.
type notifier struct {
	notify *fsnotify.Watcher // nil where the kernel gives none
	failed error             // why it gives none
	names  atomic.Pointer[map[string]bool]
	given  retry.Hint
}

func newNotifier() *notifier {
	n := &notifier{given: retry.NewHint()}
	n.names.Store(&map[string]bool{})
	n.notify, n.failed = fsnotify.NewWatcher()
	if n.failed != nil {
		// Most often it is fs.inotify.max_user_instances that is used up.
		n.notify, n.failed = nil, fmt.Errorf("inotify: %w", n.failed)
	}
	return n
}

// rewatch sets the watches again. They may have been lost with the directory that
// they were for, when another one of the same name has taken its place.
func (n *notifier) rewatch(root string, files []string) error {
	if n.notify == nil {
		return n.failed
	}
	paths := resolveAll(root, files)
	for range maxRounds {
		err := n.watch(paths)
		// What changed on the way before it was watched gave no hint.
		now := resolveAll(root, files)
		if slices.EqualFunc(paths, now, osfile.ResolvedPath.Equal) {
			return err
		}
		paths = now
	}
	return errors.New("the paths change faster than they can be followed")
}

func resolveAll(root string, files []string) []osfile.ResolvedPath {
	paths := make([]osfile.ResolvedPath, 0, len(files))
	for _, file := range files {
		// As far as it leads: an error ends it at something to be watched.
		p, _ := osfile.Walk(root, file)
		paths = append(paths, p)
	}
	return paths
}

// watch gives up all watches and sets those for the paths. The error is about
// directories that cannot be watched.
func (n *notifier) watch(paths []osfile.ResolvedPath) error {
	for _, path := range n.notify.WatchList() {
		_ = n.notify.Remove(path) // it is gone with its directory, at worst
	}
	names := map[string]bool{}
	for _, p := range paths {
		for _, component := range p.Components {
			names[component], names[filepath.Dir(component)] = true, true
		}
	}
	n.names.Store(&names) // first, or the first notifications would match nothing
	var errs []error
	for _, p := range paths {
		for _, component := range p.Components {
			dir := filepath.Dir(component)
			if err := n.notify.Add(dir); err != nil {
				errs = append(errs, fmt.Errorf("watch directory %s: %w", dir, err))
			}
		}
		// It may be missing, and most often the directory is enough.
		_ = n.notify.Add(p.File)
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
			if (*n.names.Load())[e.Name] {
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
