package enable

import (
	"bytes"
	"errors"
	"path/filepath"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
	"github.com/nodedns/nodedns/internal/managed"
)

const (
	// vendorPath is what some distributions' glibc reads while nsswitch.conf is
	// missing in /etc. Creating that would hide it.
	vendorPath = "/usr/etc/nsswitch.conf"
	// maxNsswitch bounds its size, in bytes: a thousand times the usual.
	maxNsswitch = 1 << 20
)

// nameService is nsswitch.conf with the original that is kept of it. It has a
// state directory of its own, since restoring another restores all that is
// there.
type nameService struct {
	file    managed.File
	backups managed.Backups
}

func (m *Manager) nameService() nameService {
	f := m.file(machine.Nsswitch)
	f.State = filepath.Join(m.Config.StateDir, "nsswitch")
	f.MaxSize = maxNsswitch
	f.Links = false // what it leads to is meant, as with authselect
	return nameService{f, managed.Backups{State: f.State, System: f.System}}
}

// edit makes glibc query nodedns.
func (n nameService) edit(resolve bool) error {
	_, err := n.file.UpdateAfter(n.backups.Original(n.file, nil), func(old managed.Content) ([]byte, error) {
		return nsswitch.Edit(old.Bytes, resolve)
	})
	return err
}

// isEdited reports whether there is something to undo.
func (n nameService) isEdited() (bool, error) {
	_, found, err := n.backups.Load(n.file.String())
	return found, err
}

// undo puts the original back or, if the file was changed since, takes only our
// change out of it. It returns what was done, for people to read, or nothing.
func (n nameService) undo() (done string, err error) {
	tidied := errors.Join(n.file.Recover(), n.backups.RemoveTemp(), n.file.RemoveTemp())
	o, found, err := n.backups.Load(n.file.String())
	if err != nil || !found {
		return "", errors.Join(tidied, err)
	}
	now, err := n.file.Read()
	if err != nil {
		return "", err
	}
	switch {
	case !now.Exists:
		done = "left as it is: removed by another program since"
	case n.isOurs(now.Bytes, o.Content):
		done, err = n.file.Restore(o)
	default:
		done = "changed by another program since: only what was added is taken out"
		_, err = n.file.Update(func(now managed.Content) ([]byte, error) {
			return nsswitch.Withdraw(now.Bytes, o.Content)
		})
	}
	if err != nil {
		return "", err
	}
	return done, errors.Join(tidied, n.backups.Delete(o))
}

// isOurs reports whether a text is what an edit has made of the original.
func (n nameService) isOurs(now, original []byte) bool {
	for _, resolve := range []bool{true, false} {
		if edited, err := nsswitch.Edit(original, resolve); err == nil && bytes.Equal(edited, now) {
			return true
		}
	}
	return false
}
