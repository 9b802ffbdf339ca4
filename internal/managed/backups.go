package managed

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nodedns/nodedns/internal/osfile"
)

const (
	// originalsDir is the folder of the state directory with what was there
	// before us.
	originalsDir = "originals"
	recordSuffix = ".json"
	// maxRecord bounds what is read of a record, in bytes: one of an overwrite has
	// two contents of at most a gigabyte each in base64.
	maxRecord = 3 << 30
)

// recordName is a file name for the record on path: to be recognised by its
// beginning, and different for different paths.
func recordName(path string) string {
	sum := sha256.Sum256([]byte(path))
	return filepath.Base(path) + "-" + hex.EncodeToString(sum[:8]) + recordSuffix
}

// isRecord distinguishes a record from a temporary file and from a file set
// aside.
func isRecord(name string) bool {
	return !strings.HasPrefix(name, ".") && strings.HasSuffix(name, recordSuffix)
}

// Backup is what was there before us.
type Backup struct {
	Root string // as configured at the time
	Path string // below Root, or another key of the record
	// Whole means that everything in the file is ours now. Otherwise only the
	// block is, and the record means that there was no file.
	Whole   bool
	Existed bool
	Link    string `json:",omitempty"` // where a symlink kept as such leads to
	Content []byte
	Mode    uint32
	UID     uint32
	GID     uint32
	Label   []byte `json:",omitempty"` // of SELinux, unless it is a symlink
	// More is what the user of the package keeps along with it.
	More json.RawMessage `json:",omitempty"`
}

// BackupOf is the record of a file that becomes ours as a whole.
func BackupOf(f File, old Content) Backup {
	return Backup{
		Root: f.Root, Path: f.Path, Whole: true,
		Existed: old.Exists, Link: old.Link, Content: old.Bytes,
		Mode: old.Stat.Mode & 0o7777, UID: old.Stat.Uid, GID: old.Stat.Gid, Label: labelOf(old.Real),
	}
}

// String is the path with the root, by which the record is found.
func (o Backup) String() string { return osfile.Below(o.Root, o.Path) }

// Backups are the records in a state directory, one JSON file each: a rename
// makes one exist or not, so there is never half of one to restore.
type Backups struct {
	State  string
	System *System
}

// RecordPath is the file of the record on a file, named as Backup.String
// does.
func (s Backups) RecordPath(name string) string {
	return filepath.Join(s.State, originalsDir, recordName(name))
}

// Load returns the record on a file, named as Backup.String does.
func (s Backups) Load(name string) (o Backup, found bool, err error) {
	encoded, err := osfile.Read(s.RecordPath(name), maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return o, false, nil
	}
	if err == nil {
		err = json.Unmarshal(encoded, &o)
	}
	if err != nil {
		return o, false, fmt.Errorf("read the kept original of %s from %s: %w; move that file away if it cannot be repaired",
			name, s.RecordPath(name), err)
	}
	return o, true, nil
}

// Save writes a record, over an earlier one.
func (s Backups) Save(o Backup) error {
	encoded, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if err := s.System.saveRecord(s.RecordPath(o.String()), encoded); err != nil {
		return fmt.Errorf("keep the original of %s: %w", o, err)
	}
	return nil
}

// Delete removes a record; it may be gone already.
func (s Backups) Delete(o Backup) error { return s.System.dropRecord(s.RecordPath(o.String())) }

// RemoveTemp removes the temporary files that a crash of Save left.
func (s Backups) RemoveTemp() error {
	return s.System.sweepRecords(filepath.Join(s.State, originalsDir))
}

// All returns every record. One that cannot be read is an error beside the
// others.
func (s Backups) All() ([]Backup, error) {
	entries, err := os.ReadDir(filepath.Join(s.State, originalsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for kept originals: %w", err)
	}
	var found []Backup
	var failed []error
	for _, e := range entries {
		if !isRecord(e.Name()) {
			continue
		}
		path := filepath.Join(s.State, originalsDir, e.Name())
		encoded, err := osfile.Read(path, maxRecord)
		if err != nil {
			failed = append(failed, fmt.Errorf("read kept original: %w", err))
			continue
		}
		var o Backup
		if err := json.Unmarshal(encoded, &o); err != nil {
			failed = append(failed, fmt.Errorf("read kept original %s: %w", path, err))
			continue
		}
		found = append(found, o)
	}
	return found, errors.Join(failed...)
}

// Original returns the BackupFunc of a file that becomes ours as a whole: what
// is there is recorded, unless there is a record already. By that rule our own
// output never replaces an original: from the second time on the file is ours.
// For the same reason a record does not outlive a failed attempt: the file is
// still the user's, and may change.
//
// user, if not nil, returns the user's part of a content.
func (s Backups) Original(f File, user func([]byte) []byte) BackupFunc {
	return func(old Content) (undo func() error, err error) {
		earlier, found, err := s.Load(f.String())
		if err != nil || found && earlier.Whole {
			return nil, err
		}
		o := BackupOf(f, old)
		if old.Exists && user != nil {
			o.Content = user(old.Bytes)
		}
		if found && !earlier.Existed && len(o.Content) == 0 {
			o.Existed = false // the file was only there for our block
		}
		undo = func() error {
			if found {
				return s.Save(earlier)
			}
			return s.Delete(o)
		}
		return undo, s.Save(o)
	}
}
