package hostsfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	// maxAttempts bounds how often a write starts over because somebody else
	// wrote to the file at the same time.
	maxAttempts = 5
	// maxSize bounds what is read: a hosts file of a million nodes has a
	// sixteenth of it.
	maxSize = 1 << 30
)

// errChanged says that somebody else wrote to the file while we did.
var errChanged = errors.New("it was changed by somebody else at the same time")

// file is one of the files that are kept.
type file struct {
	root  string // "" or the directory that path lies below
	path  string // as configured, without root
	state string // the state directory
	sys   *system
	log   *slog.Logger
}

func (f file) String() string { return below(f.root, f.path) }

// content is a file as it was at one moment.
type content struct {
	real   string // the path after all symlinks
	exists bool
	bytes  []byte
	stat   unix.Stat_t
}

// same says whether nothing happened to the file between two readings. Equal
// times alone do not show it: their grain is coarse.
func (c content) same(other content) bool {
	return c.real == other.real && c.exists == other.exists &&
		stampOf(&c.stat) == stampOf(&other.stat) && bytes.Equal(c.bytes, other.bytes)
}

// stamp changes when a file is written to or replaced.
type stamp struct {
	device, inode uint64
	size          int64
	changed       unix.Timespec
}

func stampOf(s *unix.Stat_t) stamp {
	return stamp{uint64(s.Dev), s.Ino, s.Size, s.Ctim}
}

// stamp of the file now; the zero stamp where there is none.
func (f file) stamp() stamp {
	var s unix.Stat_t
	real, err := resolve(f.root, f.path)
	if err != nil || unix.Stat(real, &s) != nil {
		return stamp{}
	}
	return stampOf(&s)
}

// read returns the file as it is. A missing one is no error.
func (f file) read() (content, error) {
	real, err := resolve(f.root, f.path)
	if err != nil {
		return content{}, err
	}
	c := content{real: real}
	// O_NONBLOCK: a FIFO must not hold us up, it is refused below.
	opened, err := os.OpenFile(real, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read %s: %w", f, err)
	}
	defer opened.Close()
	if err := unix.Fstat(int(opened.Fd()), &c.stat); err != nil {
		return c, fmt.Errorf("read %s: %w", f, os.NewSyscallError("fstat", err))
	}
	if c.stat.Mode&unix.S_IFMT != unix.S_IFREG || c.stat.Size > maxSize {
		return c, fmt.Errorf("read %s: want a regular file of at most %d bytes; put one there or turn this file off", f, maxSize)
	}
	c.exists = true
	c.bytes, err = io.ReadAll(io.LimitReader(opened, maxSize))
	if err != nil {
		return c, fmt.Errorf("read %s: %w", f, err)
	}
	return c, nil
}

// edits are the decisions that an update asks for.
type edits struct {
	// want returns the new content from the present one. It may be called
	// several times.
	want func(old content) ([]byte, error)
	// before, if not nil, is called before each attempt to write. When it has
	// written to the file itself it returns errChanged.
	before func(old content) error
	// undone, if not nil, is called after an attempt that has failed, unless
	// the file holds what was wanted.
	undone func() error
}

// update brings the file to the content that is wanted, if it is not there
// yet, and says whether it wrote. The file is replaced by a rename or, where
// that cannot be done, overwritten in place.
//
// What an overwrite left half done is repaired first: the user's lines would
// be read from a mixture otherwise.
func (f file) update(e edits) (wrote bool, err error) {
	real, err := resolve(f.root, f.path)
	if err != nil {
		return false, err
	}
	if err := recoverOverwrite(journalPath(f.state, real), f.sys, f.log); err != nil {
		return false, err
	}
	for range maxAttempts {
		wrote, err = f.attempt(e)
		if !errors.Is(err, errChanged) {
			break
		}
	}
	if err != nil {
		return false, fmt.Errorf("write %s: %w%s", f, err, remedy(err))
	}
	return wrote, nil
}

// attempt is one attempt of an update. It fails with errChanged where another
// one is worth while.
func (f file) attempt(e edits) (wrote bool, err error) {
	old, err := f.read()
	if err != nil {
		return false, err
	}
	data, err := e.want(old)
	if err != nil {
		return false, err
	}
	if old.exists && bytes.Equal(old.bytes, data) {
		return false, nil
	}
	if e.before != nil {
		err = e.before(old)
	}
	if err == nil {
		err = f.put(old, data)
	}
	if err == nil {
		return true, nil
	}
	// A write may have been done all the same, and only its sync have failed.
	now, unread := f.read()
	if e.undone != nil && unread == nil && !(now.exists && bytes.Equal(now.bytes, data)) {
		err = errors.Join(err, e.undone())
	}
	return false, err
}

func (f file) put(old content, data []byte) error {
	if !old.exists {
		if err := makeParents(old.real); err != nil {
			return err
		}
	}
	err := f.replace(old, data)
	if !old.exists || !cannotRename(err) {
		return err
	}
	f.log.Debug("file cannot be replaced, it is overwritten in place", "path", f.String(), "reason", err)
	return f.overwrite(old, data)
}

// remove makes a file that did not exist before us go away again.
func (f file) remove() error {
	real, err := resolve(f.root, f.path)
	if err != nil {
		return err
	}
	err = f.sys.remove(real)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w%s", f, err, remedy(err))
	}
	return f.sys.syncDir(filepath.Dir(real))
}
