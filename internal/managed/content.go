package managed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Content is a file as it was at one moment.
type Content struct {
	Real   string // the path after the symlinks that are followed
	Exists bool
	Link   string // where a symlink that is not followed leads to, or ""
	Bytes  []byte // behind a symlink: those of its target, none where it dangles
	Stat   unix.Stat_t
}

// same says whether nothing happened to the file between two readings. Equal
// times alone do not show it: their grain is coarse.
func (c Content) same(other Content) bool {
	return c.Real == other.Real && c.Exists == other.Exists && c.Link == other.Link &&
		c.Stamp() == other.Stamp() && (c.Link != "" || bytes.Equal(c.Bytes, other.Bytes))
}

// holds says whether the file itself is there with these bytes.
func (c Content) holds(data []byte) bool {
	return c.Exists && c.Link == "" && bytes.Equal(c.Bytes, data)
}

// Stamp changes when a file is written to or replaced. The zero value is that
// of no file.
type Stamp struct {
	device, inode uint64
	size          int64
	changed       unix.Timespec
}

func stampOf(s *unix.Stat_t) Stamp {
	return Stamp{uint64(s.Dev), s.Ino, s.Size, s.Ctim}
}

// Stamp of the file at that moment.
func (c Content) Stamp() Stamp { return stampOf(&c.Stat) }

// Stamp of the file now.
func (f File) Stamp() Stamp {
	var s unix.Stat_t
	real, err := f.real()
	if err != nil || unix.Lstat(real, &s) != nil {
		return Stamp{}
	}
	return stampOf(&s)
}

// real is where the file is written to, and makes it no matter whether there is
// one yet.
func (f File) real() (string, error) {
	if !f.Links {
		return Resolve(f.Root, f.Path)
	}
	dir, err := Resolve(f.Root, filepath.Dir(f.Path))
	return filepath.Join(dir, filepath.Base(f.Path)), err
}

// Read returns the file as it is. A missing one is no error.
func (f File) Read() (Content, error) {
	real, err := f.real()
	if err != nil {
		return Content{}, err
	}
	if f.Links {
		if target, err := os.Readlink(real); err == nil {
			return f.readLink(real, target)
		}
	}
	return f.readFile(real)
}

// readLink returns a symlink that is not followed. Whatever is wrong with its
// target is not our concern.
func (f File) readLink(real, target string) (Content, error) {
	c := Content{Real: real, Exists: true, Link: target}
	if err := unix.Lstat(real, &c.Stat); err != nil {
		return c, fmt.Errorf("read %s: %w", f, os.NewSyscallError("lstat", err))
	}
	if end, err := Resolve(f.Root, f.Path); err == nil {
		if behind, err := f.readFile(end); err == nil {
			c.Bytes = behind.Bytes
		}
	}
	return c, nil
}

func (f File) readFile(real string) (Content, error) {
	c := Content{Real: real}
	// O_NONBLOCK: a FIFO must not hold us up, it is refused below.
	opened, err := os.OpenFile(real, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read %s: %w", f, err)
	}
	defer opened.Close()
	if err := unix.Fstat(int(opened.Fd()), &c.Stat); err != nil {
		return c, fmt.Errorf("read %s: %w", f, os.NewSyscallError("fstat", err))
	}
	if c.Stat.Mode&unix.S_IFMT != unix.S_IFREG || c.Stat.Size > f.MaxSize {
		return c, fmt.Errorf("read %s: want a regular file of at most %d bytes; put one there or turn this file off", f, f.MaxSize)
	}
	c.Exists = true
	c.Bytes, err = io.ReadAll(io.LimitReader(opened, f.MaxSize))
	if err != nil {
		return c, fmt.Errorf("read %s: %w", f, err)
	}
	return c, nil
}
