package osfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// maxSymlinks is the kernel's own limit for one path.
const maxSymlinks = 40

// Resolve follows the symlinks of an absolute path as a process would whose
// root directory is root, so that none leads out of it; an empty root is "/".
// What is missing is taken as it stands: a dangling symlink names a file that
// may be created later.
func Resolve(root, path string) (string, error) {
	p, err := Walk(root, path)
	return p.File, err
}

// ResolvedPath is where a path leads, and via which components.
type ResolvedPath struct {
	// File is the end of it.
	File string
	// Components are the directory entries on which it depends where that is:
	// each directory and symlink on the way, and then the file or the first
	// thing that is missing.
	Components []string
}

// Equal reports whether two paths lead to the same file via the same
// components.
func (p ResolvedPath) Equal(other ResolvedPath) bool {
	return p.File == other.File && slices.Equal(p.Components, other.Components)
}

// Walk is Resolve that also reports the way. With an error, the components are
// those up to it.
func Walk(root, path string) (ResolvedPath, error) {
	var p ResolvedPath
	fail := func(err error) (ResolvedPath, error) {
		return p, fmt.Errorf("follow the path %s: %w", Below(root, path), err)
	}
	at := "/" // as seen from root; without symlinks
	rest := strings.Split(path, "/")
	for links := 0; len(rest) > 0; {
		next := filepath.Join(at, rest[0]) // ".." ends at "/"
		rest = rest[1:]
		if next == at {
			continue
		}
		host := Below(root, next)
		p.Components = append(p.Components, host)
		info, err := os.Lstat(host)
		if err != nil {
			// Joined from root's point of view: a ".." must not leave it.
			p.File = Below(root, filepath.Join(next, filepath.Join(rest...)))
			if !errors.Is(err, fs.ErrNotExist) {
				return fail(err)
			}
			return p, nil
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxSymlinks {
			return fail(unix.ELOOP)
		}
		target, err := os.Readlink(host)
		if err != nil {
			return fail(err)
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	p.File = Below(root, at)
	return p, nil
}
