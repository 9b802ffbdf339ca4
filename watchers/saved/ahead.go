package saved

import (
	"errors"
	"io/fs"
)

// SaveAhead brings the file up to date with the zone now. It is for a program that is
// about to write the zone to the hosts file: by whatever the process is killed then, the
// next one does not know older nodes than that file has. A power failure may undo
// it, until Run has synced the directory.
//
// It may be called from any goroutine after Load, and returns within about a second:
// an error is not worth a hosts file that is not written, and Run, which meets the same
// one, reports it.
func (d *Directory) SaveAhead() {
	if err := d.inTurn(aheadPatience, d.saveAhead); err != nil {
		d.log().Debug("nodes not saved before the hosts file is written", "path", d.file(), "error", err)
	}
}

func (d *Directory) saveAhead() error {
	snapshot := d.Store.Snapshot()
	if err := d.dropForeign(snapshot); err != nil {
		return err
	}
	switch {
	case d.differs(snapshot):
		return d.save(snapshot)
	case d.unread != nil && !d.mayReplace(snapshot):
		return d.giveUpUnread()
	}
	return nil
}

// giveUpUnread sets a file aside that could not be loaded: another time that may be
// possible, and what it has is older than what is known by now.
func (d *Directory) giveUpUnread() error {
	err := d.setAside(d.unread)
	if _, done := errors.AsType[*RefusedError](err); !done && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	d.unread = nil
	d.log().Warn("saved nodes that could not be read are set aside, newer ones are known", "error", err)
	return nil
}
