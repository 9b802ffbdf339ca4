package enable

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// record is what is to be undone. It outlives an interruption, which the
// drop-in does not: that is removed first.
type record struct {
	Keys []string `json:"keys"` // of drop-ins of ours that may still have effects
	// MadeDir means that the directory of the drop-ins was made for ours.
	MadeDir bool `json:"made_dir"`
	// What the service was before us.
	UnitEnabled bool `json:"unit_enabled"`
	UnitActive  bool `json:"unit_active"`
}

// maxRecord bounds the record's size, in bytes: it has a handful of keys.
const maxRecord = 64 << 10

func (m *Manager) recordPath() string { return filepath.Join(m.Config.StateDir, "enabled.json") }

// loadRecord returns the record, if there is one.
func (m *Manager) loadRecord() (r record, found bool, err error) {
	f := m.own(m.recordPath())
	f.MaxSize = maxRecord
	content, err := f.Read() // of a directory that the daemon's user can write
	if err == nil && !content.Exists {
		return r, false, nil
	}
	if err == nil {
		err = json.Unmarshal(content.Bytes, &r)
	}
	if err != nil {
		return r, false, fmt.Errorf("read what was enabled from %s: %w; remove that file if it cannot be repaired", m.recordPath(), err)
	}
	return r, true, nil
}

// saveRecord saves what is to be undone, or that there is nothing.
func (m *Manager) saveRecord(r record) error {
	f := m.own(m.recordPath())
	if len(r.Keys) == 0 {
		return f.Remove()
	}
	slices.Sort(r.Keys)
	r.Keys = slices.Compact(r.Keys)
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.Config.StateDir, 0o700); err != nil {
		return fmt.Errorf("make the state directory: %w", err)
	}
	return write(f, string(text)+"\n")
}
