package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/watchers/netlink"
	"github.com/nodedns/nodedns/zone"
)

// Machine is what there is to look at.
type Machine struct {
	// Root stands for / in the paths of files, "" for / itself, and Proc is
	// where the kernel's /proc is.
	Root string
	Proc string

	// Config is what is understood of the configuration, and ConfigError what
	// is wrong with it. ID is this node's name, or "" with IdentityError.
	Config        config.Config
	ConfigError   error
	ID            zone.ID
	IdentityError error

	// Status is what the daemon says; nil: nothing, for StatusError.
	Status      *nodedns.Status
	StatusError error

	Now    time.Time
	Probes Probes

	forbidden  []string  // what the caller may not look at
	unreadable []string  // what is no file that can be read, and why
	processes  []process // nil: not looked for yet
}

// Probes ask the kernel and the service manager for what is in no file. They
// may be nil, for what is not to be asked.
type Probes struct {
	// Disk tells of the file system that a path is on.
	Disk func(path string) (Disk, error)
	// Immutable says whether a file has that attribute (chattr(1)).
	Immutable func(path string) bool
	// Synchronized says whether something keeps the clock right.
	Synchronized func() (bool, error)
	// Unit tells how the service stands.
	Unit func() (Unit, error)
	// Absence is why interfaces of these patterns have no address for this
	// node, and which; "" if they have (see [netlink.Missing]).
	Absence func(patterns []string) (netlink.Absence, []string, error)
}

// Disk is a file system.
type Disk struct {
	ReadOnly bool
	Free     uint64 // bytes, for whoever is not root
}

// Unit is how the service manager has nodedns.
type Unit struct {
	Loaded  bool   // there is such a unit
	Active  string // as systemctl(1) has it: active, failed, ...
	Enabled string // enabled, disabled, ...
	Result  string // why it failed
}

// maxFile bounds what is read of a file, in bytes: a hosts file of a million
// nodes has as much as that.
const maxFile = 64 << 20

// read returns the text of a file below the root. It is found if it is there and
// the caller may read it; one that he may not read is noted.
func (m *Machine) read(path string) (text string, found bool) {
	text, err := readBelow(m.Root, path)
	m.note(path, err)
	return text, err == nil
}

// readProc is read for what is below /proc. A process may end meanwhile.
func (m *Machine) readProc(path string) (text string, found bool) {
	text, err := readBelow("", filepath.Join(m.Proc, path))
	return text, err == nil
}

// note keeps what could not be looked at: the caller may not, or it is no file
// that can be read.
func (m *Machine) note(what string, err error) {
	list := &m.forbidden
	switch {
	case errors.Is(err, osfile.ErrNotRegular), errors.Is(err, osfile.ErrTooLarge):
		list, what = &m.unreadable, fmt.Sprintf("%s: %v", what, osfile.Cause(err))
	case !errors.Is(err, fs.ErrPermission):
		return
	}
	if !slices.Contains(*list, what) {
		*list = append(*list, what)
	}
}

// exists says whether there is something at a path below the root.
func (m *Machine) exists(path string) bool {
	_, err := os.Lstat(filepath.Join("/", m.Root, path))
	return err == nil
}

// link is where a symlink below the root leads to, or "".
func (m *Machine) link(path string) string {
	target, _ := os.Readlink(filepath.Join("/", m.Root, path))
	return target
}

// list returns the paths of files in a directory below the root that match a
// pattern, sorted.
func (m *Machine) list(dir, pattern string) []string {
	found, _ := filepath.Glob(filepath.Join("/", m.Root, dir, pattern))
	for i, path := range found {
		found[i] = filepath.Join(dir, filepath.Base(path))
	}
	return found
}

// readBelow reads a regular file as a process would whose root this is.
func readBelow(root, path string) (string, error) {
	text, err := osfile.ReadIn(root, path, maxFile)
	return string(text), err
}

// listeners are the addresses that are answered on or, without a daemon, that
// shall be.
func (m *Machine) listeners() []netip.AddrPort {
	if m.Status == nil {
		return m.Config.Listen
	}
	var all []netip.AddrPort
	for _, text := range m.Status.Listeners {
		if l, err := netip.ParseAddrPort(text); err == nil {
			all = append(all, l)
		}
	}
	return all
}

// isListener says whether a server of a resolv.conf is one of our listeners.
func (m *Machine) isListener(server netip.AddrPort) bool {
	return slices.ContainsFunc(m.listeners(), func(l netip.AddrPort) bool {
		return upstream.Normalize(l) == server || l.Addr().IsUnspecified() && server.Addr().IsLoopback() && l.Port() == server.Port()
	})
}
