package managed

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// errAttributes means that a new file could not get what the old one has.
var errAttributes = errors.New("the owner or attributes of the file cannot be kept")

// cannotRename reports whether an attempt to replace a file failed in a way
// that writing to the file itself may not: it is a mount point, its directory
// is read-only, or we lack the permission to make a file like it.
func cannotRename(err error) bool {
	return errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EROFS) ||
		errors.Is(err, fs.ErrPermission) || errors.Is(err, errAttributes)
}

// tempPrefix is what the names of our temporary files beside a file begin with.
// It distinguishes them from the user's, so that those of a crash can be removed.
func tempPrefix(real string) string {
	return "." + filepath.Base(real) + ".nodedns-"
}

// replace puts a new file with the owner, mode and attributes of the old one
// in its place. Up to the rename nothing has happened to the old file. It
// fails with ErrChanged when another program has written to the old one by then.
func (f File) replace(old Content, data []byte) (err error) {
	temp, err := f.System.CreateTemp(filepath.Dir(old.Real), tempPrefix(old.Real)+"*")
	if err != nil {
		return err
	}
	defer func() {
		temp.Close()
		if err != nil {
			// Best effort: what stays is removed at the next start.
			f.System.Remove(temp.Name())
		}
	}()
	if err := f.System.Write(temp, data, 0); err != nil {
		return err
	}
	if err := f.adopt(temp, old); err != nil {
		return err
	}
	if err := f.System.Sync(temp); err != nil {
		return err
	}
	now, err := f.Read()
	if err != nil {
		return err
	}
	if !now.same(old) {
		return ErrChanged
	}
	if err := f.System.Rename(temp.Name(), old.Real); err != nil {
		return err
	}
	if err := f.System.SyncDir(filepath.Dir(old.Real)); err != nil {
		return fmt.Errorf("sync its directory: %w", err)
	}
	return nil
}

// adopt gives a new file the owner, mode and extended attributes of the old. A
// symlink has none that matter: its label is one of symlinks.
func (f File) adopt(temp *os.File, old Content) error {
	if !old.Exists || old.Link != "" {
		// The mode first: setting that of another user's file needs a further
		// capability.
		if err := f.System.Chmod(temp, 0o644); err != nil {
			return err
		}
		f.label(temp, old) // while it is ours
		f.settle(temp.Name(), func(uid, gid int) error { return f.System.Chown(temp, uid, gid) })
		return nil
	}
	var mine unix.Stat_t
	if err := unix.Fstat(int(temp.Fd()), &mine); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if mine.Uid != old.Stat.Uid || mine.Gid != old.Stat.Gid {
		if err := f.System.Chown(temp, int(old.Stat.Uid), int(old.Stat.Gid)); err != nil {
			return fmt.Errorf("%w: %w", errAttributes, err)
		}
	}
	if err := f.System.Chmod(temp, old.Stat.Mode&0o7777); err != nil {
		return err
	}
	// After the mode: setting that would change an access control list.
	if err := f.adoptAttributes(temp, old.Real); err != nil {
		return fmt.Errorf("%w: %w", errAttributes, err)
	}
	return nil
}

// adoptAttributes copies the extended attributes, SELinux's label among them.
// Those of the integrity subsystem sign the old Content, and the kernel creates
// them again.
func (f File) adoptAttributes(temp *os.File, real string) error {
	names, err := attributeNames(real)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == "security.ima" || name == "security.evm" {
			continue
		}
		value, err := attribute(func(b []byte) (int, error) { return unix.Lgetxattr(real, name, b) })
		if err != nil {
			return fmt.Errorf("read attribute %s: %w", name, err)
		}
		// Often a new file has the same one already, where we may lack
		// permission to set it.
		has, err := attribute(func(b []byte) (int, error) { return unix.Fgetxattr(int(temp.Fd()), name, b) })
		if err == nil && bytes.Equal(has, value) {
			continue
		}
		if err := f.System.Setxattr(temp, name, value); err != nil {
			return fmt.Errorf("set attribute %s: %w", name, err)
		}
	}
	return nil
}

// attributeNames lists a file's extended attributes; none where the file system
// does not support them.
func attributeNames(real string) ([]string, error) {
	list, err := attribute(func(b []byte) (int, error) { return unix.Llistxattr(real, b) })
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list attributes: %w", err)
	}
	return strings.FieldsFunc(string(list), func(r rune) bool { return r == 0 }), nil
}

// attribute reads what one of the xattr calls returns, which has the kernel's
// limit of 64 KiB.
func attribute(call func([]byte) (int, error)) ([]byte, error) {
	buffer := make([]byte, 1<<16)
	n, err := call(buffer)
	if err != nil {
		return nil, err
	}
	return buffer[:n], nil
}

// RemoveTemp removes the temporary files that a crash left beside a file.
func (f File) RemoveTemp() error {
	real, err := f.real()
	if err != nil {
		return err
	}
	dir, prefix := filepath.Dir(real), tempPrefix(real)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for temporary files beside %s: %w", f, err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || e.Type()&^fs.ModeSymlink != 0 {
			continue
		}
		f.Logger.Debug("temporary file of an earlier run removed", "path", filepath.Join(dir, e.Name()))
		// One that cannot be removed is harmless.
		f.System.Remove(filepath.Join(dir, e.Name()))
	}
	return nil
}
