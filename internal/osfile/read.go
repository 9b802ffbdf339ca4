package osfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// ErrNotRegular is the cause when there is something else than a regular file.
var ErrNotRegular = errors.New("not a regular file")

// ErrTooLarge is the cause when a file has more bytes than are accepted.
var ErrTooLarge = errors.New("larger than the limit")

// Read returns the content of the regular file at path, or at the end of the
// symbolic links there, if it has at most limit bytes. Every error is an
// [*fs.PathError].
//
// It never waits for another program: a FIFO without a writer, a terminal and
// a device are refused, not opened and waited for. What can still block is the
// file system itself, as that of a network does whose server is gone. A caller
// that has to go on regardless reads in a goroutine of its own.
func Read(path string, limit int64) ([]byte, error) {
	// O_NONBLOCK: open(2) of a FIFO would wait for its writer. It means nothing
	// for a regular file.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// Of the descriptor: the path may lead elsewhere by now.
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, refused(path, fmt.Errorf("%w, but %s", ErrNotRegular, kind(info.Mode())))
	}
	// Not by the size alone, since the file may grow, and one in /proc has none.
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, refused(path, fmt.Errorf("%w of %d bytes", ErrTooLarge, limit))
	}
	return data, nil
}

func refused(path string, cause error) error {
	return &fs.PathError{Op: "read", Path: path, Err: cause}
}

// kind names what is there instead of a regular file.
func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	default:
		return "of type " + mode.Type().String()
	}
}
