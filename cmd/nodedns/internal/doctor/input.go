package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"time"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/watchers/netlink"
	"github.com/nodedns/nodedns/zone"
)

// Input is what is examined: a machine, and what is known of the daemon on it.
type Input struct {
	machine.Machine

	// Config is the valid part of the configuration, and ConfigError what is
	// wrong with it. ID is this node's name, or "" with IdentityError.
	Config        config.Config
	ConfigError   error
	ID            zone.ID
	IdentityError error

	// Status is what the daemon reports; nil: nothing, for StatusError.
	Status      *nodedns.Status
	StatusError error

	Now    time.Time
	Probes Probes

	forbidden  []string          // what the caller may not read
	unreadable []string          // what is no file that can be read, and why
	processes  []machine.Process // nil: not looked for yet
}

// Probes query the kernel and the service manager for what is in no file. They
// may be nil, for what is not to be queried.
type Probes struct {
	// Disk describes the file system that a path is on.
	Disk func(path string) (Disk, error)
	// Immutable reports whether a file has that attribute (chattr(1)).
	Immutable func(path string) bool
	// Synchronized reports whether the clock is synchronized.
	Synchronized func() (bool, error)
	// Unit returns the state of the service.
	Unit func() (machine.Unit, error)
	// Absence is why interfaces of these patterns have no address for this
	// node, and which; "" if they have (see [netlink.Missing]).
	Absence func(patterns []string) (netlink.Absence, []string, error)
}

// Disk is a file system.
type Disk struct {
	ReadOnly bool
	Free     uint64 // bytes, for users other than root
}

// read returns the text of a file below the root. It is found if it is there and
// can be read; one that cannot is noted.
func (m *Input) read(path string) (text string, found bool) {
	text, err := m.Read(path)
	m.note(path, err)
	return text, err == nil
}

// note records what could not be examined: the caller may not, or it is no file
// that can be read.
func (m *Input) note(what string, err error) {
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

// listeners are the addresses that are answered on or, without a daemon, the
// configured ones.
func (m *Input) listeners() []netip.AddrPort {
	if m.Status == nil {
		return m.Config.Listen
	}
	return m.Status.Listeners
}

// isListener reports whether a server of a resolv.conf is one of our listeners.
func (m *Input) isListener(server netip.AddrPort) bool {
	return slices.ContainsFunc(m.listeners(), func(l netip.AddrPort) bool {
		return upstream.Normalize(l) == server || l.Addr().IsUnspecified() && server.Addr().IsLoopback() && l.Port() == server.Port()
	})
}
