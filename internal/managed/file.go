package managed

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/nodedns/nodedns/internal/osfile"
)

// maxAttempts bounds how often a write starts again because another program wrote
// to the file at the same time.
const maxAttempts = 5

// ErrChanged means that another program wrote to the file while we did.
var ErrChanged = errors.New("another program changed it at the same time")

// File is one managed file.
type File struct {
	Root  string // "" or the directory that stands for / in Path
	Path  string // as configured, without Root
	State string // the directory of records
	// MaxSize bounds what is read, in bytes, and so what is written. A file that
	// is larger is an error.
	MaxSize int64
	// Links makes a symlink at Path be replaced itself, and kept as a symlink.
	// Otherwise it is followed.
	Links bool
	// Kin, if not "", is the path of another file of the same kind, whose SELinux
	// label a new file gets.
	Kin    string
	System *System
	Logger *slog.Logger

	before []byte // the SELinux label of the original that is restored, or nil
}

// String is the path with the root.
func (f File) String() string { return osfile.Below(f.Root, f.Path) }

// Edit returns the new content of a file from the present one. It may be called
// several times.
type Edit func(old Content) ([]byte, error)

// To is the Edit to a content, whatever there is.
func To(data []byte) Edit { return func(Content) ([]byte, error) { return data, nil } }

// BackupFunc records what was there, before an attempt to write. It returns what
// takes the record back: undo, if not nil, is called when the attempt or the
// BackupFunc itself has failed, unless the file holds what was wanted. A
// BackupFunc that has written to the file itself returns ErrChanged.
type BackupFunc func(old Content) (undo func() error, err error)

// noBackup is for a file whose content needs no record.
func noBackup(Content) (undo func() error, err error) { return nil, nil }

// Update brings the file to what edit makes of it, if it is not that yet, and
// reports whether it wrote. The file is replaced by a rename or, where that
// cannot be done, overwritten in place.
//
// What an overwrite left half written is repaired first: the user's lines would
// be read from a mixture otherwise.
func (f File) Update(edit Edit) (wrote bool, err error) { return f.UpdateAfter(noBackup, edit) }

// UpdateAfter is Update with a backup before each attempt to write.
func (f File) UpdateAfter(backup BackupFunc, edit Edit) (wrote bool, err error) {
	real, err := f.real()
	if err != nil {
		return false, err
	}
	if err := f.recover(real); err != nil {
		return false, err
	}
	for range maxAttempts {
		wrote, err = f.attempt(backup, edit)
		if !errors.Is(err, ErrChanged) {
			break
		}
	}
	if err != nil {
		return false, fmt.Errorf("write %s: %w%s", f, steadily(err, tempPrefix(real)), remedy(err))
	}
	return wrote, nil
}

// attempt is one attempt of an update. It fails with ErrChanged where a retry
// may succeed.
func (f File) attempt(backup BackupFunc, edit Edit) (wrote bool, err error) {
	old, err := f.Read()
	if err != nil {
		return false, err
	}
	data, err := edit(old)
	if err != nil {
		return false, err
	}
	switch {
	case old.holds(data):
		return false, nil
	case int64(len(data)) > f.MaxSize: // it could not be read again, to be undone
		return false, fmt.Errorf("its content would have %d bytes: want at most %d; make it shorter or turn this file off", len(data), f.MaxSize)
	}
	undo, err := backup(old)
	if err == nil {
		err = f.put(old, data)
	}
	if err == nil {
		return true, nil
	}
	// A write may have been done all the same, and only its sync have failed.
	now, unread := f.Read()
	if undo != nil && unread == nil && !now.holds(data) {
		err = errors.Join(err, undo())
	}
	return false, err
}

func (f File) put(old Content, data []byte) error {
	if !old.Exists {
		if err := makeParents(old.Real); err != nil {
			return err
		}
	}
	err := f.replace(old, data)
	// What a symlink leads to is another program's, and is not written to.
	if !old.Exists || old.Link != "" || !cannotRename(err) {
		return err
	}
	f.Logger.Debug("file cannot be replaced, it is overwritten in place", "path", f.String(), "reason", err)
	return f.overwrite(old, data)
}

// Remove makes a file that did not exist before us go away again.
func (f File) Remove() error {
	real, err := f.real()
	if err != nil {
		return err
	}
	err = f.System.Remove(real)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w%s", f, err, remedy(err))
	}
	return f.System.SyncDir(filepath.Dir(real))
}

// makeParents makes the missing directories above a file, mode 0755 whatever
// the umask: every user must be able to reach the file.
func makeParents(path string) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeParents(dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}
