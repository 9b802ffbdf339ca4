package resolvconf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// interval is how often the file is looked at, at most.
	interval = time.Second
	// maxSize is the most that is read of it.
	maxSize = 64 << 10
)

// File follows one resolv.conf. Its methods may be called concurrently.
type File struct {
	root     string
	path     string
	next     atomic.Int64 // when to look again, as a time.Duration
	mu       sync.Mutex
	text     []byte
	failed   string
	contents atomic.Pointer[Contents]
}

// Follow returns a File, which has not looked yet. If there is a root, it is a
// directory that stands for / in the path, and in the symlinks on it.
func Follow(root, path string) *File {
	f := &File{root: root, path: path}
	f.contents.Store(new(Contents))
	return f
}

// Contents are what the file said when it was last looked at: the same pointer
// as long as it says the same. They are empty before there was any file.
func (f *File) Contents() *Contents { return f.contents.Load() }

// Look reads the file again unless it did so in the last second, by any clock
// that goes on. It says whether Contents changed. While the file cannot be
// read its last contents stand; the error is returned once.
func (f *File) Look(now time.Duration) (changed bool, err error) {
	next := f.next.Load()
	if int64(now) < next || !f.next.CompareAndSwap(next, int64(now+interval)) {
		return false, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	// The few hundred octets are compared instead of a time stamp, which two
	// writes can share.
	text, err := read(f.root, f.path)
	if err != nil {
		if err.Error() == f.failed {
			return false, nil
		}
		f.failed = err.Error()
		return false, fmt.Errorf("read the upstreams from resolv.conf, keeping those known: %w", err)
	}
	f.failed = ""
	if f.text != nil && string(text) == string(f.text) {
		return false, nil
	}
	f.text = text
	c := Parse(string(text))
	f.contents.Store(&c)
	return true, nil
}

// read returns the file's text. It does not wait for anybody to fill a FIFO.
func read(root, path string) (text []byte, err error) {
	file, err := open(root, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if stat, err := file.Stat(); err != nil {
		return nil, err
	} else if !stat.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return io.ReadAll(io.LimitReader(file, maxSize))
}

// open leaves it to the kernel to follow symlinks as they are seen from the
// root, which no path of ours could do without a race.
func open(root, path string) (*os.File, error) {
	if root == "" {
		return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	}
	dir, err := os.Open(root)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	fd, err := unix.Openat2(int(dir.Fd()), path, &unix.OpenHow{
		Flags: unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT,
	})
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: filepath.Join(root, path), Err: err}
	}
	return os.NewFile(uintptr(fd), filepath.Join(root, path)), nil
}
