package resolvconf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// maxSize is the most that is read of a file, in bytes. One that is larger is
// not replaced either: it could not be kept.
const maxSize = 64 << 10

// Read returns what the resolv.conf of a place says now, and whether it is the
// one that points at us.
func (p Location) Read() (c Contents, stub bool, err error) {
	text, err := read(p.Root, p.Path)
	return Parse(text), isStub(text), err
}

// read returns a file's text. It does not wait for anybody to fill a FIFO.
func read(root, path string) (text string, err error) {
	file, err := open(root, path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if stat, err := file.Stat(); err != nil {
		return "", err
	} else if !stat.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file", filepath.Join(root, path))
	}
	bytes, err := io.ReadAll(io.LimitReader(file, maxSize))
	return string(bytes), err
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
