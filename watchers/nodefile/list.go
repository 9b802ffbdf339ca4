package nodefile

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/osfile"
)

// maxFiles bounds the files of a directory.
const maxFiles = 1000

var errTooMany = errors.New("more than 1000 files of nodes")

// listing is what a configured path leads to.
type listing struct {
	path  string
	files []string // itself, or those that the directory lists; none: nothing is there
	err   error    // why what is there is not known
}

// list finds the files of nodes of a path.
func list(path string) listing {
	l := listing{path: path}
	dir, err := os.OpenFile(path, unix.O_DIRECTORY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	switch {
	case err == nil:
		defer dir.Close()
		l.files, l.err = listDir(dir)
	case errors.Is(err, unix.ENOTDIR) && isThere(path):
		l.files = []string{path}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
	default:
		l.err = osfile.Cause(err)
	}
	return l
}

// isThere reports whether a path that is no directory leads to anything, and not
// over what is none.
func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// listDir returns the files of nodes in a directory.
func listDir(dir *os.File) (files []string, err error) {
	for {
		entries, err := dir.ReadDir(maxFiles)
		for _, e := range entries {
			path := filepath.Join(dir.Name(), e.Name())
			if !isNodeFile(e.Name()) || leadsToNoFile(path, e) {
				continue
			}
			if len(files) == maxFiles {
				return files, errTooMany
			}
			files = append(files, path)
		}
		switch {
		case errors.Is(err, io.EOF):
			return files, nil
		case err != nil:
			return files, osfile.Cause(err)
		}
	}
}

// leadsToNoFile reports whether an entry of a directory is a directory, or a
// symlink to one or to nothing.
func leadsToNoFile(path string, e fs.DirEntry) bool {
	if e.Type() != fs.ModeSymlink {
		return e.IsDir()
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir() || errors.Is(err, fs.ErrNotExist)
}

// byName orders paths by the names of their files. Of two files that have one node
// the later one counts.
func byName(a, b string) int {
	return cmp.Or(cmp.Compare(filepath.Base(a), filepath.Base(b)), cmp.Compare(a, b))
}

// sorted returns paths in that order, each once.
func sorted(paths []string) []string {
	slices.SortFunc(paths, byName)
	return slices.Compact(paths)
}
