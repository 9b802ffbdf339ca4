package nodefile

import (
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// Inspect reads files once, and returns the states that a [Watcher] of these paths
// begins with. A file that is named and missing, which a Watcher waits for, has an
// error too. It may be called from any goroutine.
func Inspect(paths []string, prefix zone.Prefix) []Status {
	w := &Watcher{cfg: Config{Prefix: prefix}, log: slog.New(slog.DiscardHandler), limit: maxSize, files: map[string]*file{}}
	listings := make([]listing, len(paths))
	for i, path := range paths {
		if listings[i] = list(path); len(listings[i].files) == 0 && listings[i].err == nil && isMissingFile(path) {
			listings[i].err = fs.ErrNotExist
		}
	}
	w.choose(listings)
	for _, f := range w.inOrder() {
		f.look(prefix, time.Now())
	}
	w.merge(w.inOrder(), &identity{})
	w.setStatus(listings)
	return w.Status()
}

// isMissingFile reports whether a path that leads to nothing is one of a file.
func isMissingFile(path string) bool { return isNodeFile(filepath.Base(path)) && !isThere(path) }

// Warning states what is wrong with the file, if anything is.
func (s *Status) Warning() string {
	switch {
	case s.Error != "":
		return fmt.Sprintf("the file of nodes %s cannot be used: %s", s.Path, s.Error)
	case s.Ignored > 0:
		return fmt.Sprintf("of the file of nodes %s something has no effect, in %d places; the first one is %s", s.Path, s.Ignored, s.Problems[0])
	default:
		return ""
	}
}
