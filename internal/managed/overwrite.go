package managed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/osfile"
)

// overwrites is the folder of the state directory with the undo records of files
// that are being overwritten in place.
const overwrites = "overwrites"

// undoRecord is what a crash in the middle of an overwrite is repaired with.
type undoRecord struct {
	Path string // of the file, after all symlinks
	Old  []byte
	New  []byte
}

func undoPath(state, real string) string {
	return filepath.Join(state, overwrites, recordName(real))
}

// overwrite writes to the file itself. Its old content is in the state
// directory meanwhile. Room for growth is taken first, so that a full disk
// leaves the file as it was, and what is too long is cut off last.
func (f File) overwrite(old Content, data []byte) error {
	target, err := os.OpenFile(old.Real, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrChanged
	}
	if err != nil {
		return err
	}
	defer target.Close()
	now, err := f.Read()
	if err != nil {
		return err
	}
	if !now.same(old) {
		return ErrChanged
	}
	path := undoPath(f.State, old.Real)
	encoded, err := json.Marshal(undoRecord{Path: old.Real, Old: old.Bytes, New: data})
	if err != nil {
		return err
	}
	if err := f.System.saveRecord(path, encoded); err != nil {
		return fmt.Errorf("keep a copy of the old content before overwriting: %w", err)
	}
	if err := f.System.fill(target, len(old.Bytes), data); err != nil {
		// The copy stays when the old content cannot be restored now.
		if back := f.System.fill(target, len(data), old.Bytes); back != nil {
			return errors.Join(err, fmt.Errorf("put the old content back, which is in %s: %w", path, back))
		}
		return errors.Join(err, f.System.dropRecord(path))
	}
	return f.System.dropRecord(path)
}

// fill writes data to a file that has had up to length bytes.
func (s *System) fill(target *os.File, length int, data []byte) error {
	if grow := len(data) - length; grow > 0 {
		if err := s.Reserve(target, int64(length), int64(grow)); err != nil {
			return err
		}
	}
	if err := s.Write(target, data, 0); err != nil {
		return err
	}
	if err := s.Truncate(target, int64(len(data))); err != nil {
		return err
	}
	return s.Sync(target)
}

// RecoverOverwrites repairs the files that a crash left half written, whose
// undo records are in the state directory.
func RecoverOverwrites(state string, sys *System, log *slog.Logger) error {
	dir := filepath.Join(state, overwrites)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for half-written files: %w", err)
	}
	failed := []error{sys.sweepRecords(dir)}
	for _, e := range entries {
		if isRecord(e.Name()) {
			failed = append(failed, recoverOverwrite(filepath.Join(dir, e.Name()), sys, log))
		}
	}
	return errors.Join(failed...)
}

// Recover repairs this file, if a crash left it half written. Update does so
// itself.
func (f File) Recover() error {
	real, err := f.real()
	if err != nil {
		return err
	}
	return f.recover(real)
}

func (f File) recover(real string) error {
	return recoverOverwrite(undoPath(f.State, real), f.System, f.Logger)
}

// recoverOverwrite does it for one undo record, if there is one.
func recoverOverwrite(path string, sys *System, log *slog.Logger) error {
	encoded, err := osfile.Read(path, maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read undo record: %w", err)
	}
	var j undoRecord
	if err := json.Unmarshal(encoded, &j); err != nil || j.Path == "" {
		log.Warn("undo record of a half-written file is damaged, set aside", "path", path+".damaged", "error", err)
		return sys.Rename(path, path+".damaged")
	}
	now, err := osfile.Read(j.Path, int64(max(len(j.Old), len(j.New))))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, osfile.ErrNotRegular), errors.Is(err, osfile.ErrTooLarge), err == nil && !j.mixed(now):
		log.Warn("half-written file was written by another program since, left as it is", "path", j.Path)
	case err != nil:
		return fmt.Errorf("repair %s: %w", j.Path, err)
	case string(now) == string(j.Old), string(now) == string(j.New):
	default:
		if err := j.rollBack(sys, len(now)); err != nil {
			return fmt.Errorf("repair %s: %w%s", j.Path, err, remedy(err))
		}
		log.Warn("half-written file repaired: it has its old content again", "path", j.Path)
	}
	return sys.dropRecord(path)
}

// rollBack restores the old content of a file that has length bytes now.
func (j undoRecord) rollBack(sys *System, length int) error {
	target, err := os.OpenFile(j.Path, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer target.Close()
	return sys.fill(target, length, j.Old)
}

// mixed reports whether data may come from an overwrite that a crash ended:
// each byte is of the old Content, of the new one, or of the room reserved for
// it. They may have reached the disk in any order.
func (j undoRecord) mixed(data []byte) bool {
	if len(data) > max(len(j.Old), len(j.New)) || len(data) < min(len(j.Old), len(j.New)) {
		return false
	}
	for i, c := range data {
		isOld := i < len(j.Old) && c == j.Old[i]
		isNew := i < len(j.New) && c == j.New[i]
		reserved := i >= len(j.Old) && (c == 0 || c == '\n')
		if !isOld && !isNew && !reserved {
			return false
		}
	}
	return true
}
