package machine

import (
	"os"
	"path/filepath"

	"github.com/nodedns/nodedns/internal/osfile"
)

// The files that configure name resolution for programs, below the root.
const (
	Hosts      = "/etc/hosts"
	MachineID  = "/etc/machine-id"
	ResolvConf = "/etc/resolv.conf"
	HostConf   = "/etc/host.conf"
	Nsswitch   = "/etc/nsswitch.conf"
	// VarlinkSocket is the socket that nss-resolve uses.
	VarlinkSocket = "/run/systemd/resolve/io.systemd.Resolve"
)

// MaxFile bounds what is read of a file, in bytes: a hosts file of a million
// nodes has as much as that.
const MaxFile = 64 << 20

// Machine is one by its files.
type Machine struct {
	// Root stands for / in the paths of files, "" for / itself, and Proc is
	// where the kernel's /proc is.
	Root string
	Proc string
}

// Read returns the content of a regular file below the root. Symlinks are
// followed as they are seen from there.
func (m Machine) Read(path string) (string, error) {
	text, err := osfile.ReadIn(m.Root, path, MaxFile)
	return string(text), err
}

// ReadProc is Read for what is below /proc. A process may end meanwhile.
func (m Machine) ReadProc(path string) (text string, found bool) {
	content, err := osfile.Read(filepath.Join(m.Proc, path), MaxFile)
	return string(content), err == nil
}

// Exists reports whether one of some patterns below the root matches.
func (m Machine) Exists(patterns ...string) bool {
	for _, pattern := range patterns {
		if found, _ := filepath.Glob(osfile.Below(m.Root, pattern)); len(found) > 0 {
			return true
		}
	}
	return false
}

// Link is where a symlink below the root leads to, or "".
func (m Machine) Link(path string) string {
	target, _ := os.Readlink(osfile.Below(m.Root, path))
	return target
}

// List returns the paths of files in a directory below the root that match a
// pattern, sorted.
func (m Machine) List(dir, pattern string) []string {
	found, _ := filepath.Glob(osfile.Below(m.Root, filepath.Join(dir, pattern)))
	for i, path := range found {
		found[i] = filepath.Join(dir, filepath.Base(path))
	}
	return found
}
