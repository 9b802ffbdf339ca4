package curator

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// reloadDelay gathers the events of files that are written together.
	reloadDelay = 100 * time.Millisecond
	// pollInterval finds what the kernel does not tell of: files behind
	// symlinks, network file systems, a parent that was moved.
	pollInterval = 5 * time.Second
)

// followDirectory calls reload soon after anything in the directory may have
// changed, once at the beginning included, until ctx ends. Then it closes h.
func followDirectory(ctx context.Context, h *hints, reload func()) {
	defer h.close()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for {
		// In this order: what changes after the watch is set makes a hint.
		h.arm()
		reload()
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		case <-h.events():
			h.gather(ctx)
		case <-h.errors():
			// Hints were lost; the next look finds what they were about.
		}
	}
}

// hints are the kernel's notices about a directory, or about its nearest
// parent while it does not exist. Without inotify there are none.
type hints struct {
	dir      string
	notify   *fsnotify.Watcher // nil without inotify
	watching string
}

func newHints(dir string, log *slog.Logger) *hints {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("the kernel gives no notice of new credentials: looking for them from time to time",
			"path", dir, "interval", pollInterval, "error", err)
		return &hints{dir: dir}
	}
	return &hints{dir: dir, notify: notify}
}

// arm watches the directory again, since the one of that name may be another
// one by now. A failure leaves the work to the poll.
func (h *hints) arm() {
	if h.notify == nil {
		return
	}
	nearest := nearestDirectory(h.dir)
	if h.watching != "" && h.watching != nearest {
		_ = h.notify.Remove(h.watching) // gone with its directory, usually
	}
	h.watching = ""
	if h.notify.Add(nearest) == nil {
		h.watching = nearest
	}
}

func (h *hints) events() <-chan fsnotify.Event {
	if h.notify == nil {
		return nil
	}
	return h.notify.Events
}

func (h *hints) errors() <-chan error {
	if h.notify == nil {
		return nil
	}
	return h.notify.Errors
}

// gather swallows the events of a short while after the first one. It is not
// extended by further ones, or a busy directory would never be read.
func (h *hints) gather(ctx context.Context) {
	timer := time.NewTimer(reloadDelay)
	defer timer.Stop()
	for {
		select {
		case <-h.notify.Events:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (h *hints) close() {
	if h.notify != nil {
		_ = h.notify.Close()
	}
}

// nearestDirectory returns dir, or the lowest directory above it that exists.
func nearestDirectory(dir string) string {
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return dir
		}
		dir = parent
	}
}
