package resolvconf

import (
	"encoding/json"
	"fmt"

	"github.com/nodedns/nodedns/internal/managed"
)

// load returns the originals that are kept of the resolv.conf with this name, as
// Backup.String has it. There are none if nothing was found.
func load(backups managed.Backups, name string) (s originals, found bool, err error) {
	record, found, err := backups.Load(name)
	if err != nil || !found {
		return s, false, err
	}
	if record.More != nil {
		err = json.Unmarshal(record.More, &s)
	}
	if err != nil {
		return s, false, fmt.Errorf("read the kept originals of %s from %s: %w; move that file away if it cannot be repaired",
			name, backups.RecordPath(name), err)
	}
	if len(s.All) == 0 { // of a version that kept one
		s.push(original{Backup: record})
		s.take("")
	}
	return s, true, nil
}

// save writes them, all in one file, so that a crash never leaves some. The one
// in force is what a reader finds that knows of one only.
func save(backups managed.Backups, s originals) error {
	record := s.inForce().Backup
	var err error
	if record.More, err = json.Marshal(s); err != nil {
		return err
	}
	return backups.Save(record)
}

// originals are those of resolv.conf, with what is in the file now. They are news
// if that was not recorded yet. There are none while the file is ours and their
// record is lost.
func (f files) originals(now managed.Content) (s originals, found, news bool, err error) {
	s, found, err = load(f.backups, f.conf.String())
	switch {
	case err != nil:
	case !pointsAtUs(now):
		news = s.write(original{Backup: managed.BackupOf(f.conf, now), Writer: signature(now)})
	case found:
		news = s.putBack(numberOf(string(now.Bytes)))
	}
	return s, found, news, err
}

// comments are what our text begins with, in place of the original in force.
func (s *originals) comments() string {
	if len(s.All) == 0 {
		return stubLine(1)
	}
	return stubLine(s.inForce().Number) + marks(string(s.inForce().Content))
}

// note records what another program has done to a resolv.conf that we have taken
// before. One that is blank may be about to be written.
func (f files) note(now managed.Content) error {
	if now.Link == "" && !pointsAtUs(now) && Parse(string(now.Bytes)).isBlank() {
		return nil
	}
	s, found, news, err := f.originals(now)
	if err == nil && found && news {
		err = save(f.backups, s)
	}
	return err
}

// backup records what resolv.conf is before it becomes ours and names a server:
// that is what the machine would have without us. The record does not outlive an
// attempt to write that failed.
func (f files) backup(server string) managed.BackupFunc {
	return func(old managed.Content) (undo func() error, err error) {
		earlier, found, err := load(f.backups, f.conf.String())
		if err != nil {
			return nil, err
		}
		s, _, _, err := f.originals(old)
		if err != nil || len(s.All) == 0 {
			return nil, err
		}
		s.take(server)
		undo = func() error {
			if found {
				return save(f.backups, earlier)
			}
			return f.backups.Delete(s.inForce().Backup)
		}
		return undo, save(f.backups, s)
	}
}
