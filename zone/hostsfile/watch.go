package hostsfile

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/fsnotify/fsnotify"

	"github.com/nodedns/nodedns/internal/managed"
	"github.com/nodedns/nodedns/internal/osfile"
)

// foreignWrites calls hint whenever something may have happened to the file,
// by ourselves too, until ctx ends. It watches the directories of the path and
// of the file that a symlink leads to, since a rename takes the file itself
// out of sight. What inotify does not see, such as the other side of a bind
// mount, is left to the caller's looking now and then.
func foreignWrites(ctx context.Context, f managed.File, hint func()) error {
	real, err := osfile.Resolve(f.Root, f.Path)
	if err != nil {
		return err
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", f, err)
	}
	defer watcher.Close()
	names := []string{filepath.Clean(f.String()), real}
	for _, name := range names {
		if err := watcher.Add(filepath.Dir(name)); err != nil {
			return fmt.Errorf("watch the directory of %s: %w", f, err)
		}
	}
	hint() // for what happened before
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-watcher.Events:
			if slices.Contains(names, e.Name) {
				hint()
			}
		case <-watcher.Errors:
			hint() // events were lost: any of them may have been ours
		}
	}
}
