package resolver

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nodedns/nodedns/internal/follow"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

// machine reads what this machine is configured with: servers, a search list
// and options. While Run follows the files, no query looks at them.
type machine struct {
	log     *slog.Logger
	clock   func() time.Duration
	changed func() // after the files have changed; no lock is held
	// hostnames are the machine's; nil: they are not known.
	hostnames resolvconf.Hostnames

	polled atomic.Pointer[resolvconf.Sources] // what queries look at; nil while the files are followed
	asked  atomic.Bool                        // the servers are among the upstreams

	mu       sync.Mutex
	location resolvconf.Location
	sources  *resolvconf.Sources // nil: none
	followed bool
	refollow func() // makes Run follow other files; nil before
}

// location is where the machine's servers are configured.
func (u Upstreams) location() resolvconf.Location {
	return resolvconf.Location{Root: u.Root, Path: u.ResolvConf, BackupDir: u.BackupDir}
}

// use takes the files that settings name.
func (m *machine) use(u Upstreams) {
	m.asked.Store(u.auto())
	m.mu.Lock()
	defer m.mu.Unlock()
	location := u.location()
	switch {
	case location.Path == "":
		m.sources = nil
	case m.sources != nil && location == m.location:
		return
	default:
		m.sources = resolvconf.NewSources(location, m.hostnames)
		_, err := m.sources.Poll(m.clock())
		m.report(err)
	}
	m.location = location
	m.choosePolled()
	if m.refollow != nil {
		m.refollow()
	}
}

// config is what the machine is configured with, without the servers that are
// not usable.
func (m *machine) config(usable func(netip.AddrPort) bool) resolvconf.SystemConfig {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sources == nil {
		return resolvconf.SystemConfig{}
	}
	return m.sources.SystemConfig(usable)
}

// alternatives are the sources that could be named in the place of that of a
// configuration.
func (m *machine) alternatives(now resolvconf.SystemConfig, usable func(netip.AddrPort) bool) []resolvconf.Alternative {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sources == nil || now.From == "" || !m.asked.Load() {
		return nil
	}
	return m.sources.Alternatives(now, usable)
}

// report logs what is wrong with the files if their servers are used. If only
// the search list is missing, that needs no warning.
func (m *machine) report(err error) {
	if err != nil && m.asked.Load() {
		m.log.Warn("some of the machine's upstreams are not known", "error", err)
	}
}

// poll reads the files again if that is due and no Run follows them.
func (m *machine) poll() {
	sources := m.polled.Load()
	if sources == nil {
		return
	}
	changed, err := sources.Poll(m.clock())
	m.report(err)
	if changed {
		m.changed()
	}
}

// following sets whether Run follows the files, so that queries need not.
func (m *machine) following(is bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.followed = is
	m.choosePolled()
}

// choosePolled sets which files queries look at. The caller holds mu.
func (m *machine) choosePolled() {
	if m.followed {
		m.polled.Store(nil)
	} else {
		m.polled.Store(m.sources)
	}
}

// follow notices changes of the files until ctx ends. Meanwhile settings may
// name other files, and a watched symlink may change its target.
func (m *machine) follow(ctx context.Context) error {
	for ctx.Err() == nil {
		turn, cancel := context.WithCancel(ctx)
		if sources, root := m.beginTurn(cancel); sources == nil {
			<-turn.Done()
		} else {
			files := sources.Files()
			follower := follow.Follower{Root: root, Files: files, Again: sources.Again, Logger: m.log}
			follower.Run(turn, func() {
				changed, err := sources.Reload()
				m.report(err)
				if changed {
					m.changed()
				}
				if !slices.Equal(files, sources.Files()) {
					cancel()
				}
			})
		}
		cancel()
	}
	return nil
}

// beginTurn returns the current files. When they are replaced, cancel ends the
// turn.
func (m *machine) beginTurn(cancel func()) (sources *resolvconf.Sources, root string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refollow = cancel
	return m.sources, m.location.Root
}
