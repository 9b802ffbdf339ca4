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
)

// maxRounds is how often in a row watches are set because a path leads
// elsewhere by now.
const maxRounds = 3

// hints are the kernel's notices about some files.
type hints struct {
	notify *fsnotify.Watcher // nil where the kernel gives none
	failed error             // why it gives none
	names  atomic.Pointer[map[string]bool]
	// given has one place: the next hint adds nothing to one that has not been
	// taken yet.
	given chan struct{}
}

func newHints() *hints {
	h := &hints{given: make(chan struct{}, 1)}
	h.names.Store(&map[string]bool{})
	h.notify, h.failed = fsnotify.NewWatcher()
	if h.failed != nil {
		// Most often it is fs.inotify.max_user_instances that is used up.
		h.notify, h.failed = nil, fmt.Errorf("inotify: %w", h.failed)
	}
	return h
}

// arm sets the watches anew. They may have been lost with the directory that
// they were for, when another one of the same name has taken its place.
func (h *hints) arm(root string, files []string) error {
	if h.notify == nil {
		return h.failed
	}
	paths := walkAll(root, files)
	for range maxRounds {
		err := h.watch(paths)
		// What changed on the way before it was watched gave no hint.
		now := walkAll(root, files)
		if slices.EqualFunc(paths, now, osfile.ResolvedPath.Equal) {
			return err
		}
		paths = now
	}
	return errors.New("the paths change faster than they can be followed")
}

func walkAll(root string, files []string) []osfile.ResolvedPath {
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
func (h *hints) watch(paths []osfile.ResolvedPath) error {
	for _, path := range h.notify.WatchList() {
		_ = h.notify.Remove(path) // it is gone with its directory, at worst
	}
	names := map[string]bool{}
	for _, p := range paths {
		for _, component := range p.Components {
			names[component], names[filepath.Dir(component)] = true, true
		}
	}
	h.names.Store(&names) // first, or the first notices would be about nothing
	var errs []error
	for _, p := range paths {
		for _, component := range p.Components {
			dir := filepath.Dir(component)
			if err := h.notify.Add(dir); err != nil {
				errs = append(errs, fmt.Errorf("watch directory %s: %w", dir, err))
			}
		}
		// It may be missing, and most often the directory is enough.
		_ = h.notify.Add(p.File)
	}
	return errors.Join(errs...)
}

// wait returns a little after the next hint, after a pause, or when ctx ends.
func (h *hints) wait(ctx context.Context, pause time.Duration) {
	if !h.next(ctx, pause) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, maxDelay)
	defer cancel()
	for h.next(ctx, quiet) {
	}
}

// next waits for a hint, and says whether there was one before the time was
// over or ctx ended.
func (h *hints) next(ctx context.Context, atMost time.Duration) bool {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return false
	case <-h.given:
		return true
	}
}

// take takes the kernel's notices until close. It must not wait for anything:
// fsnotify may hold a lock while it hands one over, and arm needs that lock.
func (h *hints) take() {
	if h.notify == nil {
		return
	}
	for {
		select {
		case e, open := <-h.notify.Events:
			if !open {
				return
			}
			if (*h.names.Load())[e.Name] {
				h.give()
			}
		case _, open := <-h.notify.Errors:
			if !open {
				return
			}
			h.give() // notices were lost: any of them may have been ours
		}
	}
}

func (h *hints) give() {
	select {
	case h.given <- struct{}{}:
	default:
	}
}

// close ends take.
func (h *hints) close() {
	if h.notify != nil {
		_ = h.notify.Close() // nothing can be lost with it
	}
}
