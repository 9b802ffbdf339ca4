package osfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrNotRegular is the cause when there is something else than a regular file.
var ErrNotRegular = errors.New("not a regular file")

// readFlags do not wait: open(2) of a FIFO would wait for its writer, and that
// of a terminal can make it our controlling one. They have no effect on a
// regular file.
const readFlags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC

// Open opens the regular file at path, or at the end of the symlinks there, and
// returns its stat result.
func Open(path string) (*os.File, unix.Stat_t, error) {
	f, err := os.OpenFile(path, readFlags, 0)
	return regular(f, path, err)
}

// OpenNoFollow is Open for a path that must not end in a symlink.
func OpenNoFollow(path string) (*os.File, unix.Stat_t, error) {
	f, err := os.OpenFile(path, readFlags|unix.O_NOFOLLOW, 0)
	return regular(f, path, err)
}

// OpenIn is Open for a path as a process would see it whose root directory is
// root, so that no symlink leads out of it. An empty root is "/".
func OpenIn(root, path string) (*os.File, unix.Stat_t, error) {
	if root == "" {
		return Open(path)
	}
	name := Below(root, path)
	f, err := openIn(root, path, name)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		// A kernel before 5.6, or a sandbox that does not support the call.
		return openResolved(root, path)
	}
	return regular(f, name, err)
}

// openResolved follows the symlinks in steps. A program that can write below root
// might still lead the last of them out of it meanwhile.
func openResolved(root, path string) (*os.File, unix.Stat_t, error) {
	real, err := Resolve(root, path)
	if err != nil {
		return nil, unix.Stat_t{}, &fs.PathError{Op: "open", Path: Below(root, path), Err: err}
	}
	return OpenNoFollow(real)
}

// openIn has the kernel follow the symlinks, which no walk of ours could do
// without a race.
func openIn(root, path, name string) (*os.File, error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: root, Err: err}
	}
	defer unix.Close(dir)
	how := unix.OpenHow{Flags: readFlags, Resolve: unix.RESOLVE_IN_ROOT}
	// EAGAIN: something below root was renamed at the same time.
	fd, err := unix.Openat2(dir, path, &how)
	for range maxSymlinks {
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			break
		}
		fd, err = unix.Openat2(dir, path, &how)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// regular returns an open file if it is a regular one. It checks the
// descriptor, as the path may lead elsewhere by now.
func regular(f *os.File, path string, err error) (*os.File, unix.Stat_t, error) {
	var stat unix.Stat_t
	if err != nil {
		return nil, stat, err
	}
	if err = unix.Fstat(int(f.Fd()), &stat); err == nil && stat.Mode&unix.S_IFMT != unix.S_IFREG {
		err = fmt.Errorf("%w, but %s", ErrNotRegular, kind(stat.Mode))
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, stat, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return f, stat, nil
}

// kind names what is there instead of a regular file.
func kind(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return "a directory"
	case unix.S_IFIFO:
		return "a FIFO"
	case unix.S_IFCHR, unix.S_IFBLK:
		return "a device"
	default:
		return fmt.Sprintf("of type %#o", mode&unix.S_IFMT)
	}
}

// Below is where a path lies with the given root; an empty one is "/".
func Below(root, path string) string {
	return filepath.Join("/", root, path)
}

// Cause is an error without the operation and the path, for a message that
// names the file already.
func Cause(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err
	}
	return err
}
