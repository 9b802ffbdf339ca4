package managed

import (
	"bytes"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/osfile"
)

// selinux is the attribute with the SELinux label of a file.
const selinux = "security.selinux"

// label gives a new file the SELinux label of its kind: that of the original which
// is restored, else that of its kin, else that of the file that a symlink in its
// place led to. A label is of a type of files, by which the policy allows each
// program to read, replace and remove them; a new file gets that of its directory,
// and a resolv.conf of etc_t is one that NetworkManager may not write.
//
// What a symlink led to comes last: it may have the label of the directory of the
// program that made it. A file with the label of its directory is better than none.
func (f File) label(temp *os.File, old Content) {
	label := f.before
	if label == nil && f.Kin != "" {
		label = f.kinLabel()
	}
	if label == nil && f.Kin != "" && old.Link != "" {
		if end, err := osfile.Resolve(f.Root, f.Path); err == nil {
			label = labelOf(end)
		}
	}
	if label == nil {
		return
	}
	has, err := attribute(func(b []byte) (int, error) { return unix.Fgetxattr(int(temp.Fd()), selinux, b) })
	if err == nil && bytes.Equal(has, label) {
		return
	}
	if err := f.System.Setxattr(temp, selinux, label); err != nil {
		f.Logger.Warn("new file has the SELinux label of its directory", "path", f.String(),
			"want", strings.TrimRight(string(label), "\x00"), "error", err)
	}
}

// kinLabel is the label of the kin, unless that is a symlink.
func (f File) kinLabel() []byte {
	kin := File{Root: f.Root, Path: f.Kin, Links: true}
	real, err := kin.real()
	if err != nil {
		return nil
	}
	return labelOf(real)
}

// labelOf is the SELinux label of a regular file, or nil.
func labelOf(path string) []byte {
	var stat unix.Stat_t
	if err := unix.Lstat(path, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil
	}
	label, err := attribute(func(b []byte) (int, error) { return unix.Lgetxattr(path, selinux, b) })
	if err != nil {
		return nil
	}
	return label
}
