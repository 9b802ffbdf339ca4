package managed

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/osfile"
)

// Content is a file as it was at one moment.
type Content struct {
	Real   string // the path after the symlinks that are followed
	Exists bool
	Link   string // where a symlink that is not followed leads to, or ""
	Bytes  []byte // behind a symlink: those of its target, none where it dangles
	Stat   unix.Stat_t
}

// same reports whether nothing happened to the file between two readings. Equal
// times alone do not show it: their grain is coarse.
func (c Content) same(other Content) bool {
	return c.Real == other.Real && c.Exists == other.Exists && c.Link == other.Link &&
		c.Stamp() == other.Stamp() && (c.Link != "" || bytes.Equal(c.Bytes, other.Bytes))
}

// holds reports whether the file itself is there with these bytes.
func (c Content) holds(data []byte) bool {
	return c.Exists && c.Link == "" && bytes.Equal(c.Bytes, data)
}

// Stamp of the file at that moment.
func (c Content) Stamp() osfile.Stamp { return osfile.StampOf(&c.Stat) }

// Stamp of the file now.
func (f File) Stamp() osfile.Stamp {
	var s unix.Stat_t
	real, err := f.real()
	if err != nil || unix.Lstat(real, &s) != nil {
		return osfile.Stamp{}
	}
	return osfile.StampOf(&s)
}

// real returns where the file is written to, whether it exists yet or not.
func (f File) real() (string, error) {
	if !f.Links {
		return osfile.Resolve(f.Root, f.Path)
	}
	dir, err := osfile.Resolve(f.Root, filepath.Dir(f.Path))
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
	if end, err := osfile.Resolve(f.Root, f.Path); err == nil {
		if behind, err := f.readFile(end); err == nil {
			c.Bytes = behind.Bytes
		}
	}
	return c, nil
}

func (f File) readFile(real string) (Content, error) {
	c := Content{Real: real}
	opened, stat, err := osfile.OpenNoFollow(real)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	c.Stat = stat
	if err == nil {
		defer opened.Close()
		c.Exists = true
		c.Bytes, err = osfile.ReadAll(opened, &stat, f.MaxSize)
	}
	switch {
	case errors.Is(err, osfile.ErrNotRegular), errors.Is(err, osfile.ErrTooLarge):
		return c, fmt.Errorf("read %s: %w: want a regular file of at most %d bytes; put one there or turn this file off", f, osfile.Cause(err), f.MaxSize)
	case err != nil:
		return c, fmt.Errorf("read %s: %w", f, err)
	}
	return c, nil
}
