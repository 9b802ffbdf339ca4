package follow

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// maxSymlinks is the kernel's own limit for one path.
const maxSymlinks = 40

// Resolve follows the symlinks of an absolute path as a process would whose
// root directory is root, so that none leads out of it; an empty root is "/".
// What is missing is taken as it stands: a dangling symlink names a file that
// may yet be made.
func Resolve(root, path string) (string, error) {
	t, err := walk(root, path)
	return t.file, err
}

// trail is where a path leads, and over what.
type trail struct {
	file string // the end of it
	// turns are the directory entries on which it depends where that is: each
	// symlink, and then the file or the first thing that is missing.
	turns []string
}

// walk follows a path. With an error, the turns are those up to it.
func walk(root, path string) (trail, error) {
	var t trail
	host := func(path string) string { return filepath.Join("/", root, path) }
	fail := func(err error) (trail, error) {
		return t, fmt.Errorf("follow the path %s: %w", host(path), err)
	}
	at := "/" // as seen from root; without symlinks
	rest := strings.Split(path, "/")
	for links := 0; len(rest) > 0; {
		next := filepath.Join(at, rest[0]) // ".." ends at "/"
		rest = rest[1:]
		info, err := os.Lstat(host(next))
		if err != nil {
			t.turns = append(t.turns, host(next))
			// Joined from root's point of view: a ".." must not leave it.
			t.file = host(filepath.Join(next, filepath.Join(rest...)))
			if !errors.Is(err, fs.ErrNotExist) {
				return fail(err)
			}
			return t, nil
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		t.turns = append(t.turns, host(next))
		if links++; links > maxSymlinks {
			return fail(unix.ELOOP)
		}
		target, err := os.Readlink(host(next))
		if err != nil {
			return fail(err)
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	t.file = host(at)
	t.turns = append(t.turns, t.file)
	return t, nil
}
