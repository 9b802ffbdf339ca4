package hosts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/nodedns/nodedns/internal/follow"
)

// settled is how old the last change of a file must be for its stamp to tell
// the next one: the clock of file systems has a coarse grain.
const settled = 2 * time.Second

// stamp changes when a file does. No file has the zero value.
type stamp struct {
	device, inode uint64
	size          int64
	change        syscall.Timespec
}

// asOf is the stamp if it was old enough at that time to tell a further change,
// and else none.
func (s stamp) asOf(now time.Time) stamp {
	if now.Sub(time.Unix(s.change.Unix())) < settled {
		return stamp{}
	}
	return s
}

// errUnchanged says that a file still has the stamp that was known.
var errUnchanged = errors.New("unchanged")

// read returns the content of a file, and its stamp unless that could not tell
// a further change. A file that does not exist is empty: nobody wrote a line.
func read(root, path string, known stamp) (text []byte, s stamp, err error) {
	real, err := follow.Resolve(root, path)
	if err != nil {
		return nil, stamp{}, err
	}
	// Not to wait for anybody to fill a FIFO.
	file, err := os.OpenFile(real, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, stamp{}, nil
	}
	if err != nil {
		return nil, stamp{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	s, err = check(file)
	if err != nil {
		return nil, stamp{}, err
	}
	if s == known {
		return nil, s, errUnchanged
	}
	now := time.Now() // who writes after this leaves a time that is not earlier
	text, err = readAll(file, s.size)
	return text, s.asOf(now), err
}

// check returns the stamp of a file, or why it is not to be read.
func check(file *os.File) (stamp, error) {
	info, err := file.Stat()
	if err != nil {
		return stamp{}, err
	}
	if !info.Mode().IsRegular() {
		return stamp{}, fmt.Errorf("%s is not a regular file", file.Name())
	}
	if info.Size() > maxSize {
		return stamp{}, tooLarge(file)
	}
	stat := info.Sys().(*syscall.Stat_t)
	return stamp{uint64(stat.Dev), stat.Ino, stat.Size, stat.Ctim}, nil
}

// readAll reads a file that is expected to have a certain size, and may have
// grown meanwhile.
func readAll(file *os.File, size int64) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(size) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(file, maxSize+1)); err != nil {
		return nil, err
	}
	if b.Len() > maxSize {
		return nil, tooLarge(file)
	}
	return b.Bytes(), nil
}

func tooLarge(file *os.File) error {
	return fmt.Errorf("%s has more than %d MiB", file.Name(), maxSize>>20)
}
