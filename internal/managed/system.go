package managed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/osfile"
)

// System is the kernel calls by which this package changes something. The
// fields are for tests, which make single calls fail or die in between.
type System struct {
	CreateTemp func(dir, pattern string) (*os.File, error)
	Write      func(f *os.File, data []byte, offset int64) error
	Reserve    func(f *os.File, offset, size int64) error
	Truncate   func(f *os.File, size int64) error
	Chown      func(f *os.File, uid, gid int) error
	Chmod      func(f *os.File, mode uint32) error
	Setxattr   func(f *os.File, name string, value []byte) error
	Sync       func(f *os.File) error
	Rename     func(from, to string) error
	Remove     func(path string) error
	SyncDir    func(dir string) error
	// WriteRecord writes a file of the state directory.
	WriteRecord func(path string, data []byte) error
}

// RealSystem returns the calls of the kernel itself.
func RealSystem() *System {
	return &System{
		CreateTemp: os.CreateTemp,
		Write: func(f *os.File, data []byte, offset int64) error {
			_, err := f.WriteAt(data, offset)
			return err
		},
		Reserve:  reserve,
		Truncate: (*os.File).Truncate,
		Chown:    (*os.File).Chown,
		Chmod: func(f *os.File, mode uint32) error {
			return os.NewSyscallError("fchmod", unix.Fchmod(int(f.Fd()), mode))
		},
		Setxattr: func(f *os.File, name string, value []byte) error {
			return os.NewSyscallError("fsetxattr", unix.Fsetxattr(int(f.Fd()), name, value, 0))
		},
		Sync:    (*os.File).Sync,
		Rename:  os.Rename,
		Remove:  os.Remove,
		SyncDir: osfile.SyncDir,

		WriteRecord: osfile.WriteRecord,
	}
}

// reserve makes sure that size bytes from offset on can be written without the
// disk being full. Where the file system cannot guarantee that, the room is
// filled with newlines, which readers of these files ignore.
func reserve(f *os.File, offset, size int64) error {
	err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, offset, size)
	for errors.Is(err, unix.EINTR) { // the runtime's own signals interrupt it on tmpfs
		err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, offset, size)
	}
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) {
		return os.NewSyscallError("fallocate", err)
	}
	fill := make([]byte, size)
	for i := range fill {
		fill[i] = '\n'
	}
	if _, err := f.WriteAt(fill, offset); err != nil {
		return errors.Join(err, f.Truncate(offset))
	}
	return f.Sync()
}

// saveRecord writes one file of the state directory, atomically.
func (s *System) saveRecord(path string, data []byte) error {
	if err := s.WriteRecord(path, data); err != nil {
		return fmt.Errorf("write %s: %w", path, steadily(err, "."+filepath.Base(path)))
	}
	return nil
}

// dropRecord removes one file of the state directory; it may be gone already.
func (s *System) dropRecord(path string) error {
	err := s.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return s.SyncDir(filepath.Dir(path))
}

// sweepRecords removes the temporary files that a crash of saveRecord left in
// a folder of the state directory: their names begin with a dot.
func (s *System) sweepRecords(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for temporary files: %w", err)
	}
	var failed []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			failed = append(failed, s.dropRecord(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(failed...)
}

// remedy is the advice on a failed write.
func remedy(err error) string {
	switch {
	case errors.Is(err, unix.EROFS):
		return "; make it writable to nodedns (under systemd by ReadWritePaths=)"
	case errors.Is(err, fs.ErrPermission):
		return "; run nodedns as root, or let its user write to the file and its directory"
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return "; the file is as it was: free some space"
	}
	return ""
}
