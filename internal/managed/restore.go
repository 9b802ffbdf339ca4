package managed

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Restore makes a file what its record describes, and returns what was done, as
// text. The record stays.
func (f File) Restore(o Backup) (what string, err error) {
	switch {
	case !o.Existed:
		return "removed, as it did not exist before", f.Remove()
	case o.Link != "":
		return "made a symlink to " + o.Link + " again", f.PutLink(o.Link)
	}
	f.before = o.Label
	if _, err := f.Update(To(o.Content)); err != nil {
		return "", err
	}
	return "original put back", f.reown(o)
}

// NoRoom reports whether something failed because a disk is full.
func NoRoom(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// OverwriteInPlace puts data into the room that a regular file has, for when
// there is none for a new file or a copy. A crash in the middle leaves a
// mixture, so it is only for a file whose content can be spared. Where the data
// does not fit, the file is as it was.
func (f File) OverwriteInPlace(data []byte) error {
	now, err := f.Read()
	if err != nil {
		return err
	}
	target, err := os.OpenFile(now.Real, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("overwrite %s: %w", f, err)
	}
	defer target.Close()
	if err := f.System.fill(target, len(now.Bytes), data); err != nil {
		return fmt.Errorf("overwrite %s: %w%s", f, err, remedy(err))
	}
	return nil
}

// reown gives a file the owner and mode that the original had. They differ
// only where another program has removed the file meanwhile.
func (f File) reown(o Backup) error {
	now, err := f.Read()
	if err != nil || now.Stat.Uid == o.UID && now.Stat.Gid == o.GID && now.Stat.Mode&0o7777 == o.Mode {
		return err
	}
	if err := os.Chown(now.Real, int(o.UID), int(o.GID)); err != nil {
		return fmt.Errorf("give %s its owner back: %w", f, err)
	}
	if err := unix.Chmod(now.Real, o.Mode); err != nil {
		return fmt.Errorf("give %s its mode back: %w", f, err)
	}
	return nil
}

// PutLink puts a symlink in the place of whatever file or symlink is there, in
// one step.
func (f File) PutLink(target string) error {
	real, err := f.real()
	if err != nil {
		return err
	}
	if err := f.putLink(real, target); err != nil {
		return fmt.Errorf("make %s a symlink to %s: %w%s", f, target, steadily(err, tempPrefix(real)), remedy(err))
	}
	return nil
}

func (f File) putLink(real, target string) error {
	if err := makeParents(real); err != nil {
		return err
	}
	temp, err := f.tempLink(real, target)
	if err != nil {
		return err
	}
	if err := f.System.Rename(temp, real); err != nil {
		return errors.Join(err, f.System.Remove(temp))
	}
	return f.System.SyncDir(filepath.Dir(real))
}

// tempLink makes a symlink of a new name beside the file.
func (f File) tempLink(real, target string) (string, error) {
	for {
		name := filepath.Join(filepath.Dir(real), tempPrefix(real)+strconv.FormatUint(rand.Uint64(), 10))
		err := os.Symlink(target, name)
		if err == nil {
			f.settle(name, func(uid, gid int) error { return os.Lchown(name, uid, gid) })
		}
		if !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
}
