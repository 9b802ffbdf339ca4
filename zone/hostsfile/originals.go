package hostsfile

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
)

const (
	// originalsDir is the folder of the state directory with what was there
	// before us.
	originalsDir = "originals"
	recordSuffix = ".json"
)

// recordName is a file name for the record on path: to be recognised by its
// beginning, and different for different paths.
func recordName(path string) string {
	sum := sha256.Sum256([]byte(path))
	return filepath.Base(path) + "-" + hex.EncodeToString(sum[:8]) + recordSuffix
}

// isRecord tells a record from a temporary file and from what was set aside.
func isRecord(name string) bool {
	return !strings.HasPrefix(name, ".") && strings.HasSuffix(name, recordSuffix)
}

// original is what was there before us.
type original struct {
	Root string // as configured at the time
	Path string // below Root, or kernelName
	// Whole says that everything in the file is ours now. Otherwise only the
	// block is, and the record tells that there was no file.
	Whole   bool
	Existed bool
	Content []byte
	Mode    uint32
	UID     uint32
	GID     uint32
}

func originalOf(f file, old content) original {
	return original{
		Root: f.root, Path: f.path, Whole: true,
		Existed: old.exists, Content: old.bytes,
		Mode: old.stat.Mode & 0o7777, UID: old.stat.Uid, GID: old.stat.Gid,
	}
}

func (o original) String() string {
	if o.Path == kernelName {
		return o.Path
	}
	return below(o.Root, o.Path)
}

// originals are the records, one JSON file each: a rename makes one exist or
// not, so there is never half of one to put back.
type originals struct {
	state string
	sys   *system
}

func (s originals) path(name string) string {
	return filepath.Join(s.state, originalsDir, recordName(name))
}

// load returns the record on a file, named as its String method does.
func (s originals) load(name string) (o original, found bool, err error) {
	encoded, err := os.ReadFile(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return o, false, nil
	}
	if err == nil {
		err = json.Unmarshal(encoded, &o)
	}
	if err != nil {
		return o, false, fmt.Errorf("read the kept original of %s from %s: %w", name, s.path(name), err)
	}
	return o, true, nil
}

// save writes a record, over an earlier one.
func (s originals) save(o original) error {
	encoded, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if err := s.sys.saveRecord(s.path(o.String()), encoded); err != nil {
		return fmt.Errorf("keep the original of %s: %w", o, err)
	}
	return nil
}

func (s originals) drop(o original) error { return s.sys.dropRecord(s.path(o.String())) }

// all returns every record. One that cannot be read is an error beside the
// others.
func (s originals) all() ([]original, error) {
	entries, err := os.ReadDir(filepath.Join(s.state, originalsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for kept originals: %w", err)
	}
	var found []original
	var failed []error
	for _, e := range entries {
		if !isRecord(e.Name()) {
			continue
		}
		path := filepath.Join(s.state, originalsDir, e.Name())
		encoded, err := os.ReadFile(path)
		if err != nil {
			failed = append(failed, fmt.Errorf("read kept original: %w", err))
			continue
		}
		var o original
		if err := json.Unmarshal(encoded, &o); err != nil {
			failed = append(failed, fmt.Errorf("read kept original %s: %w", path, err))
			continue
		}
		found = append(found, o)
	}
	return found, errors.Join(failed...)
}

// keeping returns the edits of a file that becomes ours as a whole: what is
// there is kept before, unless there is a record already. That is the rule by
// which our own output never takes the place of an original: from the second
// time on the file is ours. For the same reason a record does not outlive an
// attempt that has failed: the file is the user's then, who may change it.
//
// user, if not nil, returns the user's part of a content.
func (s originals) keeping(f file, user func([]byte) []byte, want func(content) ([]byte, error)) edits {
	undo := func() error { return nil }
	before := func(old content) error {
		undo = func() error { return nil }
		earlier, found, err := s.load(f.String())
		if err != nil || found && earlier.Whole {
			return err
		}
		o := originalOf(f, old)
		if old.exists && user != nil {
			o.Content = user(old.bytes)
		}
		if found && !earlier.Existed && len(o.Content) == 0 {
			o.Existed = false // the file was only there for our block
		}
		undo = func() error {
			if found {
				return s.save(earlier)
			}
			return s.drop(o)
		}
		return s.save(o)
	}
	return edits{want: want, before: before, undone: func() error { return undo() }}
}
