package osfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// ErrTooLarge is the cause when a file has more bytes than are accepted.
var ErrTooLarge = errors.New("larger than the limit")

// Read returns the content of the regular file at path, or at the end of the
// symlinks there, if it has at most limit bytes.
func Read(path string, limit int64) ([]byte, error) {
	f, stat, err := Open(path)
	return readAndClose(f, &stat, limit, err)
}

// ReadIn is Read for a path below root, as [OpenIn] has it.
func ReadIn(root, path string, limit int64) ([]byte, error) {
	f, stat, err := OpenIn(root, path)
	return readAndClose(f, &stat, limit, err)
}

func readAndClose(f *os.File, stat *unix.Stat_t, limit int64, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadAll(f, stat, limit)
}

// ReadAll returns the content of a file that was opened here, if it has at most
// limit bytes. Its size is a hint only: the file may grow meanwhile, and one in
// /proc has none.
func ReadAll(f *os.File, stat *unix.Stat_t, limit int64) ([]byte, error) {
	tooLarge := &fs.PathError{Op: "read", Path: f.Name(), Err: fmt.Errorf("%w of %s", ErrTooLarge, size(limit))}
	if stat.Size > limit {
		return nil, tooLarge
	}
	var b bytes.Buffer
	b.Grow(int(stat.Size) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, err
	}
	if int64(b.Len()) > limit {
		return nil, tooLarge
	}
	return b.Bytes(), nil
}

func size(bytes int64) string {
	if mebibytes := bytes >> 20; mebibytes<<20 == bytes && bytes > 0 {
		return fmt.Sprintf("%d MiB", mebibytes)
	}
	return fmt.Sprintf("%d bytes", bytes)
}
