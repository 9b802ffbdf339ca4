// Package memfd hands data over to another process in sealed memory
// (memfd_create(2)): a file without a name, which nothing can change once it is
// written. It lives as long as a process has it open, and ends with the machine.
//
// It is a leaf: it imports no other package of ours, starts no goroutine and keeps
// no state.
package memfd

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// all are the seals of a file that stays as it is.
const all = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// ErrNotSealed means that a file is not sealed memory, so that another process could
// change it while it is read.
var ErrNotSealed = errors.New("not a sealed memory file")

// ErrTooLarge means that a file has more than its reader accepts.
var ErrTooLarge = errors.New("larger than accepted")

// Seal makes a file with what write writes, and seals it against everything. It is
// the caller's to close. The name is for people, in /proc/PID/fd. Where the kernel or
// a sandbox does not allow such files, that is the error.
func Seal(name string, write func(io.Writer) error) (*os.File, error) {
	f, err := create(name)
	if err != nil {
		return nil, fmt.Errorf("make a memory file: %w", err)
	}
	if err = write(f); err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, all)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("fill a memory file: %w", err)
	}
	return f, nil
}

// create makes an empty file. Kernels before 6.3 don't know of files that can't be
// executed, and later ones may refuse others (memfd_noexec in sysctl).
func create(name string) (*os.File, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Reader reads a file that Seal made, from its beginning, wherever another process
// has left its offset. The error is ErrNotSealed for any other file, since that
// could change or block, and ErrTooLarge for one of more than most octets.
func Reader(f *os.File, most int64) (*io.SectionReader, error) {
	seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	if err != nil || seals&all != all {
		return nil, fmt.Errorf("read %s: %w", f.Name(), ErrNotSealed)
	}
	var stat unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &stat); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	if stat.Size > most {
		return nil, fmt.Errorf("read %s, which has %d octets: %w", f.Name(), stat.Size, ErrTooLarge)
	}
	return io.NewSectionReader(f, 0, stat.Size), nil
}
