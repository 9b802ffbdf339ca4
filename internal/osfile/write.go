package osfile

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// WriteRecord writes a file of our own state, which no other user may read, and
// creates its directory where that is missing. A reader and a crash find the
// old file or the new one, never a part.
//
// It is not for files of others: it keeps neither owner nor attributes. See
// package managed.
func WriteRecord(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// The temporary directory is named because renameio would try $TMPDIR.
	if err := renameio.WriteFile(path, data, 0o600, renameio.WithTempDir(dir)); err != nil {
		return err
	}
	return SyncDir(dir)
}

// SyncDir makes what was renamed or removed in a directory survive a power
// failure, as far as the file system can guarantee it.
func SyncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	err = dir.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return err
}
