package hostsfile

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/internal/managed"
)

// Restored is one thing that Restore has undone.
type Restored struct {
	Path string // with the root
	Done string // what was done, for people to read
}

// Restore undoes what Keepers with the same state directory have done: every
// kept original is put back, and our block leaves the hosts file. It tries
// everything; the error joins what failed, and calling it again does what is
// left. No Keeper may run at the same time, or it would do them again.
//
// The ID may be missing, for a node that has lost it: it only serves to
// distinguish lines of a node without node-ID shape from the user's where a
// marker of ours is gone.
func Restore(cfg Config) ([]Restored, error) { return restore(cfg, realSystem()) }

func restore(cfg Config, sys *system) ([]Restored, error) {
	k, err := newNameless(cfg, sys)
	if err != nil {
		return nil, err
	}
	var done []Restored
	failed := []error{managed.RecoverOverwrites(k.cfg.StateDir, sys.System, k.log)}
	step := func(path, what string, err error) {
		if err != nil {
			failed = append(failed, err)
		} else if what != "" {
			done = append(done, Restored{path, what})
		}
	}
	records, err := k.backups.All()
	step("", "", err)
	for _, o := range records {
		if o.Whole && (o.Path != kernelName || k.cfg.Root == "") {
			what, err := k.putBack(o)
			step(o.String(), what, err)
		}
	}
	if k.cfg.Hosts != "" {
		what, err := k.removeBlock()
		step(k.file.String(), what, err)
	}
	for _, o := range records {
		if !o.Whole {
			what, err := k.removeEmpty(o)
			step(o.String(), what, err)
		}
	}
	return done, errors.Join(failed...)
}

// fileOf is the file of a record, which may be of an earlier configuration.
func (k *Keeper) fileOf(o managed.Backup) managed.File {
	f := k.fileAt(o.Path)
	f.Root = o.Root
	return f
}

// putBack restores a thing to what it was, and drops the record.
func (k *Keeper) putBack(o managed.Backup) (what string, err error) {
	if o.Path == kernelName {
		what, err = fmt.Sprintf("hostname set to %q again", o.Content), k.sys.changeHostname(string(o.Content))
	} else {
		what, err = k.fileOf(o).Restore(o)
	}
	if err != nil {
		return "", err
	}
	return what, k.backups.Delete(o)
}

// removeBlock takes our block out of the hosts file.
func (k *Keeper) removeBlock() (what string, err error) {
	now, err := k.file.Read()
	if err != nil || !now.Exists {
		return "", err
	}
	wrote, err := k.file.Update(func(old managed.Content) ([]byte, error) {
		p := parse(old.Bytes, k.form)
		return p.strip(), nil
	})
	if err != nil || !wrote {
		return "", err
	}
	return "block removed", nil
}

// removeEmpty removes a file that was only there for our block.
func (k *Keeper) removeEmpty(o managed.Backup) (what string, err error) {
	f := k.fileOf(o)
	now, err := f.Read()
	if err != nil {
		return "", err
	}
	if now.Exists && len(now.Bytes) == 0 {
		if err := f.Remove(); err != nil {
			return "", err
		}
		what = "removed, as it did not exist before"
	}
	return what, k.backups.Delete(o)
}

// leaveOwnMode gives the hosts file that own mode took back to the user. Lines
// that are not ours show that the user has taken it already: then they stay.
func (k *Keeper) leaveOwnMode(o managed.Backup, old managed.Content, form lineForm) error {
	var user []byte
	foreign := false
	for rest := old.Bytes; len(rest) > 0; {
		line := hostsformat.NextLine(rest)
		rest = rest[len(line):]
		// Until the zone is ready, what it lacks may be of a node that it will have.
		if _, ok := form.parse(line); ok && !k.written.ready || form.isOurs(line) {
			continue
		}
		user = append(user, line...)
		foreign = foreign || !isOurLocalhost(line)
	}
	if !foreign {
		_, err := k.putBack(o)
		return err
	}
	k.log.Warn("hosts file was changed since it was all of nodedns: it is taken for the user's, and the kept original is dropped",
		"path", k.file.String())
	if !bytes.Equal(user, old.Bytes) {
		if _, err := k.file.Update(managed.To(user)); err != nil {
			return err
		}
	}
	return k.backups.Delete(o)
}
